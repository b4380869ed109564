//! Limits by resource.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use mainstay_core::Name;

use crate::{Limit, LimitSettings, LimitSnapshot};

/// A registry of limits by resource. The program passes it around as a value; there is no global registry.
///
/// A resource without a limit gets the preset of its name: `database`, `communication`, `external_api` or `files`. Any
/// other name gets [`LimitSettings::resource`].
///
/// ```
/// use mainstay_bulkhead::LimitRegistry;
///
/// let limits = LimitRegistry::new();
/// assert_eq!(limits.get("database").snapshot().limit, 20);
/// assert_eq!(limits.get("something else").snapshot().limit, 10);
/// assert_eq!(limits.snapshots().len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct LimitRegistry(Arc<RwLock<BTreeMap<Name, Limit>>>);

// === impl LimitRegistry ===

impl LimitRegistry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the limit of the resource, and makes it from its preset if there is none. Look it up once and keep it.
    /// Names must come from the program, because the registry never forgets one.
    #[must_use]
    pub fn get(&self, resource: impl Into<Name>) -> Limit {
        let name = resource.into();
        if let Some(limit) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return limit.clone();
        }
        let mut limits = self.0.write().unwrap_or_else(PoisonError::into_inner);
        limits.entry(name.clone()).or_insert_with(|| Limit::build(name.clone(), &preset(&name))).clone()
    }

    /// Adds a limit under its own name. Returns the limit that had this name before.
    pub fn insert(&self, limit: Limit) -> Option<Limit> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(limit.name().clone(), limit)
    }

    /// Returns all limits, ordered by name.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Returns the figures of all limits, ordered by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<LimitSnapshot> {
        self.limits().iter().map(Limit::snapshot).collect()
    }
}

impl fmt::Debug for LimitRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.limits()).finish()
    }
}

fn preset(resource: &str) -> LimitSettings {
    match resource {
        "database" => LimitSettings::database(),
        "communication" => LimitSettings::communication(),
        "external_api" => LimitSettings::external_api(),
        "files" => LimitSettings::files(),
        _ => LimitSettings::resource(),
    }
}
