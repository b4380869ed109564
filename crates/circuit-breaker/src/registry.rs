//! Breakers by name.

use std::sync::Arc;

use mainstay_core::{Configured, ConfiguredRegistry, InvalidSetting, Made, Name, SettingsByName};

use crate::{Breaker, BreakerSettings, BreakerSnapshot, counters::BreakerCounters};

/// Breakers by name: get or create one, take all snapshots, reset all. An explicit value, not a global.
///
/// A name without a breaker gets one with the settings of the name in the registry's table:
///
/// ```
/// use mainstay_circuit_breaker::{BreakerRegistry, BreakerSettings};
/// use mainstay_core::SettingsByName;
///
/// let settings = SettingsByName::new(BreakerSettings::default())
///     .with("database", BreakerSettings::sensitive())
///     .with_base("replica", "database", |settings| settings.consecutive_failures = Some(10))?;
/// let registry = BreakerRegistry::with_settings(settings)?;
/// assert_eq!(registry.get("replica").settings().consecutive_failures, Some(10));
///
/// let orders = registry.get("orders");
/// orders.force_open("ann");
/// assert!(registry.get("orders").try_acquire().is_err());
/// assert_eq!(registry.snapshots().len(), 2);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreakerRegistry(ConfiguredRegistry<Breaker>);

// === impl BreakerRegistry ===

impl BreakerRegistry {
    /// Creates an empty registry whose breakers have the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self(ConfiguredRegistry::build(SettingsByName::default()))
    }

    /// Creates an empty registry with a table of settings, or with one settings for all names.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: impl Into<SettingsByName<BreakerSettings>>) -> Result<Self, InvalidSetting> {
        ConfiguredRegistry::new(settings.into()).map(Self)
    }

    /// Sets the largest number of names, 1 to a million, by default 1,024.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn with_capacity(self, capacity: usize) -> Result<Self, InvalidSetting> {
        self.0.set_capacity(capacity)?;
        Ok(self)
    }

    /// Returns the breaker of this name, and makes it from the table if there is none. A name that the table does not have
    /// gets the default settings, which is logged when its breaker is made. Keep the result: each look-up takes a lock.
    ///
    /// Names must come from the program. While the registry is full, new names share one breaker, `(other)`, which is
    /// logged once. [`KeyedBreakers`](crate::KeyedBreakers) are for keys from outside.
    #[must_use]
    pub fn get(&self, name: impl Into<Name>) -> Breaker {
        self.0.get(&name.into())
    }

    /// Adds a breaker under its own name. Returns the breaker that had the name before. Its settings stay as they are:
    /// [`reconfigure`](Self::reconfigure) does not change them.
    ///
    /// # Errors
    /// The name is new, and the registry is full.
    pub fn insert(&self, breaker: Breaker) -> Result<Option<Breaker>, InvalidSetting> {
        self.0.insert(breaker)
    }

    /// Removes the breaker of this name. Services and calls that have it keep it; the next [`get`](Self::get) makes a new
    /// one beside it.
    pub fn remove(&self, name: &str) -> Option<Breaker> {
        self.0.remove(name)
    }

    /// Replaces the table, live: every breaker that was made from it gets its settings in the new one. States, counts and
    /// timers stay. The kind and size of a window cannot change.
    ///
    /// # Errors
    /// A setting out of its range, or another window of a breaker that is there; nothing changes then.
    pub fn reconfigure(&self, settings: impl Into<SettingsByName<BreakerSettings>>) -> Result<(), InvalidSetting> {
        self.0.reconfigure(settings.into())
    }

    /// Returns the table in force.
    #[must_use]
    pub fn settings(&self) -> Arc<SettingsByName<BreakerSettings>> {
        self.0.settings()
    }

    /// Returns all breakers, ordered by name.
    #[must_use]
    pub fn breakers(&self) -> Vec<Breaker> {
        self.0.all()
    }

    /// Returns a snapshot of each breaker, ordered by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<BreakerSnapshot> {
        self.breakers().iter().map(Breaker::snapshot).collect()
    }

    /// Resets every breaker.
    pub fn reset_all(&self, author: impl Into<Name>) {
        let author = author.into();
        self.breakers().iter().for_each(|breaker| breaker.reset(&author));
    }
}

impl Default for BreakerRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl Configured for Breaker {
    type Settings = BreakerSettings;

    const KIND: &'static str = "circuit breaker";

    fn name(&self) -> &Name {
        self.name()
    }

    fn validate(settings: &BreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()
    }

    fn accepts(&self, settings: &BreakerSettings) -> Result<(), InvalidSetting> {
        self.check(settings)
    }

    fn reconfigure(&self, settings: &BreakerSettings) -> Result<(), InvalidSetting> {
        self.reconfigure(settings.clone())
    }
}

impl Made for Breaker {
    fn make(name: Name, settings: &BreakerSettings) -> Self {
        Self::build(name, settings.clone(), BreakerCounters::per_thread())
    }
}
