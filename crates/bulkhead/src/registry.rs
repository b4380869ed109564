//! Limits by resource.

use std::sync::Arc;

use mainstay_core::{Configured, ConfiguredRegistry, InvalidSetting, Made, Name, SettingsByName};

use crate::{Limit, LimitSettings, LimitSnapshot};

/// A registry of limits by resource. The program passes it around as a value; there is no global registry.
///
/// A resource without a limit gets one with the settings of its name in the registry's table. The names and the table are
/// the program's own. This table has the presets as examples:
///
/// ```
/// use mainstay_bulkhead::{LimitRegistry, LimitSettings};
/// use mainstay_core::SettingsByName;
///
/// let settings = SettingsByName::new(LimitSettings::resource())
///     .with("database", LimitSettings::database())
///     .with("agent_communication", LimitSettings::agent_communication())
///     .with("external_api", LimitSettings::external_api())
///     .with("file_operations", LimitSettings::file_operations())
///     .with_base("replica", "database", |settings| settings.limit = 5)?;
/// let limits = LimitRegistry::with_settings(settings)?;
/// assert_eq!(limits.get("database").snapshot().limit, 20);
/// assert_eq!(limits.get("replica").snapshot().limit, 5);
/// assert_eq!(limits.get("something else").snapshot().limit, 10);
/// assert_eq!(limits.snapshots().len(), 3);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug)]
pub struct LimitRegistry(ConfiguredRegistry<Limit>);

// === impl LimitRegistry ===

impl LimitRegistry {
    /// Creates an empty registry whose limits have the settings of [`LimitSettings::resource`].
    #[must_use]
    pub fn new() -> Self {
        Self(ConfiguredRegistry::build(LimitSettings::resource().into()))
    }

    /// Creates an empty registry with a table of settings, or with one settings for all names.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: impl Into<SettingsByName<LimitSettings>>) -> Result<Self, InvalidSetting> {
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

    /// Returns the limit of the resource, and makes it from the table if there is none. A name that the table does not have
    /// gets the default settings, which is logged when its limit is made. Look the limit up once and keep it.
    ///
    /// Names must come from the program. While the registry is full, new names share one limit, `(other)`, which is logged
    /// once. [`KeyedLimits`](crate::KeyedLimits) are for keys from outside.
    #[must_use]
    pub fn get(&self, resource: impl Into<Name>) -> Limit {
        self.0.get(&resource.into())
    }

    /// Adds a limit under its own name. Returns the limit that had this name before. Its settings stay as they are:
    /// [`reconfigure`](Self::reconfigure) does not change them.
    ///
    /// # Errors
    /// The name is new, and the registry is full.
    pub fn insert(&self, limit: Limit) -> Result<Option<Limit>, InvalidSetting> {
        self.0.insert(limit)
    }

    /// Removes the limit of this name. Services and calls that have it keep it; the next [`get`](Self::get) makes a new one
    /// beside it.
    pub fn remove(&self, resource: &str) -> Option<Limit> {
        self.0.remove(resource)
    }

    /// Replaces the table, live: every limit that was made from it gets its settings in the new one.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: impl Into<SettingsByName<LimitSettings>>) -> Result<(), InvalidSetting> {
        self.0.reconfigure(settings.into())
    }

    /// Returns the table in force.
    #[must_use]
    pub fn settings(&self) -> Arc<SettingsByName<LimitSettings>> {
        self.0.settings()
    }

    /// Returns all limits, ordered by name.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        self.0.all()
    }

    /// Returns the figures of all limits, ordered by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<LimitSnapshot> {
        self.limits().iter().map(Limit::snapshot).collect()
    }
}

impl Default for LimitRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl Configured for Limit {
    type Settings = LimitSettings;

    const KIND: &'static str = "bulkhead";

    fn name(&self) -> &Name {
        self.name()
    }

    fn validate(settings: &LimitSettings) -> Result<(), InvalidSetting> {
        settings.validate()
    }

    fn reconfigure(&self, settings: &LimitSettings) -> Result<(), InvalidSetting> {
        self.reconfigure(*settings)
    }
}

impl Made for Limit {
    fn make(name: Name, settings: &LimitSettings) -> Self {
        Self::build(name, settings)
    }
}
