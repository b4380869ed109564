//! A registry that makes its handles from a table of settings.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{Found, InvalidSetting, Name, Registry, SettingsByName, escaped};

/// A handle that a [`ConfiguredRegistry`] reconfigures.
pub trait Configured: Clone {
    /// Its settings.
    type Settings;

    /// What it is called in log lines: `circuit breaker`.
    const KIND: &'static str;

    /// Returns the name.
    fn name(&self) -> &Name;

    /// Checks settings as such.
    ///
    /// # Errors
    /// A setting out of its range.
    fn validate(settings: &Self::Settings) -> Result<(), InvalidSetting>;

    /// Checks whether this handle accepts settings that are valid as such.
    ///
    /// # Errors
    /// A setting that a live handle can't change.
    fn accepts(&self, settings: &Self::Settings) -> Result<(), InvalidSetting> {
        let _ = settings;
        Ok(())
    }

    /// Replaces the settings. May run code of the program.
    ///
    /// # Errors
    /// A setting that a live handle can't change.
    fn reconfigure(&self, settings: &Self::Settings) -> Result<(), InvalidSetting>;
}

/// A handle that is made from a name and settings alone.
pub trait Made: Configured {
    /// Makes a handle with settings that were validated.
    fn make(name: Name, settings: &Self::Settings) -> Self;
}

/// Handles by name, which the registry makes from a table of settings. The registries of the patterns wrap it. Clones share
/// it.
pub struct ConfiguredRegistry<H: Configured> {
    handles: Registry<Entry<H>>,
    settings: Arc<RwLock<Arc<SettingsByName<H::Settings>>>>,
    /// The handle of the names for which there is no room, if the registry makes handles on request.
    overflow: Option<H>,
}

#[derive(Clone)]
struct Entry<H> {
    handle: H,
    /// Whether the registry has made the handle.
    is_made: bool,
}

/// The name of the handle that names share for which there is no room.
const OVERFLOW: &str = "(other)";

// === impl ConfiguredRegistry ===

impl<H: Made> ConfiguredRegistry<H> {
    /// Creates an empty registry.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(settings: SettingsByName<H::Settings>) -> Result<Self, InvalidSetting> {
        settings.validate(H::validate)?;
        Ok(Self::build(settings))
    }

    /// Creates an empty registry with settings that are known to be valid.
    #[must_use]
    pub fn build(settings: SettingsByName<H::Settings>) -> Self {
        let overflow = H::make(OVERFLOW.into(), settings.get(OVERFLOW));
        Self { overflow: Some(overflow), ..Self::of_added(settings) }
    }

    /// Returns the handle of this name, and makes it from the table if there is none. Logs a name that the table does not
    /// have, unless it has none at all, and the first name for which there is no room.
    pub fn get(&self, name: &Name) -> H {
        let settings = self.settings();
        let make = || Entry { handle: H::make(name.clone(), settings.get(name)), is_made: true };
        match self.handles.get_or_make(name, make) {
            Found::Present(entry) => entry.handle,
            Found::Made(entry) => {
                Self::log_unknown(name, &settings);
                self.apply_newer(settings);
                entry.handle
            }
            Found::NoRoom(is_first) => {
                if is_first {
                    let capacity = self.handles.capacity();
                    tracing::warn!(kind = H::KIND, %name, capacity, "no room in the registry: new names share a handle");
                }
                self.overflow.clone().unwrap_or_else(|| make().handle)
            }
        }
    }
}

impl<H: Configured> ConfiguredRegistry<H> {
    /// Creates an empty registry of handles that the program makes, with settings that are known to be valid.
    #[must_use]
    pub fn of_added(settings: SettingsByName<H::Settings>) -> Self {
        let settings = Arc::new(RwLock::new(Arc::new(settings)));
        Self { handles: Registry::default(), settings, overflow: None }
    }

    /// Sets the largest number of names, 1 to a million.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn set_capacity(&self, capacity: usize) -> Result<(), InvalidSetting> {
        self.handles.set_capacity(capacity)
    }

    /// Adds a handle that is made with its settings in the table, in place of one that had this name before. Logs a name
    /// that the table does not have, unless it has none at all.
    ///
    /// # Errors
    /// The name is new, and there is no room.
    pub fn add(&self, name: &Name, make: impl FnOnce(&H::Settings) -> H) -> Result<H, InvalidSetting> {
        let settings = self.settings();
        let handle = make(settings.get(name));
        self.handles.insert(name.clone(), Entry { handle: handle.clone(), is_made: true })?;
        Self::log_unknown(name, &settings);
        self.apply_newer(settings);
        Ok(handle)
    }

    fn log_unknown(name: &Name, settings: &SettingsByName<H::Settings>) {
        if settings.iter().next().is_some() && !settings.contains(name) {
            tracing::warn!(kind = H::KIND, %name, "no settings for this name: it has the default ones");
        }
    }

    /// Adds a handle under its own name. Returns the one that had this name before.
    ///
    /// # Errors
    /// The name is new, and there is no room.
    pub fn insert(&self, handle: H) -> Result<Option<H>, InvalidSetting> {
        let name = handle.name().clone();
        Ok(self.handles.insert(name, Entry { handle, is_made: false })?.map(|entry| entry.handle))
    }

    /// Returns the handle of this name, and makes none.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<H> {
        self.handles.get(name).map(|entry| entry.handle)
    }

    /// Removes the handle of this name.
    pub fn remove(&self, name: &str) -> Option<H> {
        self.handles.remove(name).map(|entry| entry.handle)
    }

    /// Returns all handles, ordered by name.
    #[must_use]
    pub fn all(&self) -> Vec<H> {
        self.handles.all().into_iter().map(|entry| entry.handle).collect()
    }

    /// Returns the table in force.
    #[must_use]
    pub fn settings(&self) -> Arc<SettingsByName<H::Settings>> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the table, and gives every handle that was made from it its settings in the new one.
    ///
    /// # Errors
    /// A setting out of its range, or one that a live handle can't change; nothing changes then.
    pub fn reconfigure(&self, settings: SettingsByName<H::Settings>) -> Result<(), InvalidSetting> {
        settings.validate(H::validate)?;
        for handle in self.made() {
            let name = handle.name();
            handle.accepts(settings.get(name)).map_err(|error| error.within(name))?;
        }
        let settings = Arc::new(settings);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.clone();
        self.apply(&settings);
        self.apply_newer(settings);
        Ok(())
    }

    /// Applies the table again for as long as another thread has replaced it since it was read.
    fn apply_newer(&self, mut applied: Arc<SettingsByName<H::Settings>>) {
        loop {
            let newest = self.settings();
            if Arc::ptr_eq(&newest, &applied) {
                return;
            }
            self.apply(&newest);
            applied = newest;
        }
    }

    fn apply(&self, settings: &SettingsByName<H::Settings>) {
        for handle in self.made() {
            // A handle that was made from an older table meanwhile may refuse what the others accept.
            let name = handle.name();
            if let Err(error) = handle.reconfigure(settings.get(name)) {
                tracing::warn!(kind = H::KIND, %name, error = %escaped(&error), "not reconfigured");
            }
        }
    }

    fn made(&self) -> impl Iterator<Item = H> {
        let made = self.handles.all().into_iter().filter(|entry| entry.is_made).map(|entry| entry.handle);
        made.chain(self.overflow.clone())
    }
}

impl<H: Configured> Clone for ConfiguredRegistry<H> {
    fn clone(&self) -> Self {
        Self { handles: self.handles.clone(), settings: self.settings.clone(), overflow: self.overflow.clone() }
    }
}

/// Shows the handles, outside of the lock.
impl<H: Configured + fmt::Debug> fmt::Debug for ConfiguredRegistry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
