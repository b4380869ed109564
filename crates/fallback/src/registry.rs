//! A registry of handles by name.

use std::sync::Arc;

use mainstay_core::{Configured, ConfiguredRegistry, InvalidSetting, Name, SettingsByName};

use crate::{Chain, FallbackHandle, FallbackSettings, FallbackSnapshot};

/// The fallbacks of a process by name, for status pages, health checks and operators.
///
/// No request reads it. Cheap to clone; all clones share one state.
///
/// ```
/// use mainstay_fallback::{FallbackLayer, FallbackRegistry};
///
/// let fallbacks = FallbackRegistry::new();
/// let layer = FallbackLayer::value("orders", "sorry");
/// fallbacks.insert(layer.handle())?;
///
/// let orders = fallbacks.get("orders").expect("it was inserted");
/// orders.switch_off("value");
/// assert_eq!(fallbacks.snapshots().len(), 1);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
///
/// A registry with a table of settings makes handles that have their settings in it, and changes them all live:
///
/// ```
/// use mainstay_core::SettingsByName;
/// use mainstay_fallback::{FallbackLayer, FallbackRegistry, FallbackSettings, value};
///
/// let settings = SettingsByName::new(FallbackSettings::default())
///     .with_base("prices", "default", |settings| settings.on_overloaded = false)?;
/// let fallbacks = FallbackRegistry::with_settings(settings)?;
/// let steps = value("sorry");
/// let layer: FallbackLayer<_> = FallbackLayer::with(fallbacks.make("prices", &steps)?, steps)?;
/// assert!(!layer.handle().settings().on_overloaded);
///
/// fallbacks.reconfigure(FallbackSettings::default())?;
/// assert!(layer.handle().settings().on_overloaded);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug)]
pub struct FallbackRegistry(ConfiguredRegistry<FallbackHandle>);

// === impl FallbackRegistry ===

impl FallbackRegistry {
    /// Creates an empty registry whose handles have the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self(ConfiguredRegistry::of_added(SettingsByName::default()))
    }

    /// Creates an empty registry with a table of settings, or with one settings for all names.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: impl Into<SettingsByName<FallbackSettings>>) -> Result<Self, InvalidSetting> {
        let settings = settings.into();
        settings.validate(FallbackSettings::validate)?;
        Ok(Self(ConfiguredRegistry::of_added(settings)))
    }

    /// Sets the largest number of names, 1 to a million, by default 1,024.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn with_capacity(self, capacity: usize) -> Result<Self, InvalidSetting> {
        self.0.set_capacity(capacity)?;
        Ok(self)
    }

    /// Makes a handle for these steps with its settings in the table, and adds it in place of a previous handle of that
    /// name. A name that the table does not have gets the default settings, which is logged.
    ///
    /// # Errors
    /// The name is new, and the registry is full.
    pub fn make<C: Chain>(&self, name: impl Into<Name>, steps: &C) -> Result<FallbackHandle, InvalidSetting> {
        let name = name.into();
        self.0.add(&name, |settings| FallbackHandle::build(name.clone(), steps, settings))
    }

    /// Adds a handle under its name. Returns the previous handle of that name. Its settings stay as they are:
    /// [`reconfigure`](Self::reconfigure) does not change them.
    ///
    /// # Errors
    /// The name is new, and the registry is full.
    pub fn insert(&self, handle: &FallbackHandle) -> Result<Option<FallbackHandle>, InvalidSetting> {
        self.0.insert(handle.clone())
    }

    /// Returns the handle of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<FallbackHandle> {
        self.0.find(name)
    }

    /// Replaces the table, live: every handle that was [made](Self::make) from it gets its settings in the new one.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: impl Into<SettingsByName<FallbackSettings>>) -> Result<(), InvalidSetting> {
        self.0.reconfigure(settings.into())
    }

    /// Returns the table in force.
    #[must_use]
    pub fn settings(&self) -> Arc<SettingsByName<FallbackSettings>> {
        self.0.settings()
    }

    /// Removes the handle of this name. Its services are not affected.
    pub fn remove(&self, name: &str) -> Option<FallbackHandle> {
        self.0.remove(name)
    }

    /// Returns all handles, in order of name.
    #[must_use]
    pub fn fallbacks(&self) -> Vec<FallbackHandle> {
        self.0.all()
    }

    /// Returns the figures of all fallbacks, in order of name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<FallbackSnapshot> {
        self.fallbacks().iter().map(FallbackHandle::snapshot).collect()
    }
}

impl Default for FallbackRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl Configured for FallbackHandle {
    type Settings = FallbackSettings;

    const KIND: &'static str = "fallback";

    fn name(&self) -> &Name {
        self.name()
    }

    fn validate(settings: &FallbackSettings) -> Result<(), InvalidSetting> {
        settings.validate()
    }

    fn reconfigure(&self, settings: &FallbackSettings) -> Result<(), InvalidSetting> {
        self.reconfigure(settings)
    }
}
