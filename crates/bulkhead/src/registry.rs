//! Limits by resource.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use mainstay_core::Name;

use crate::{Limit, LimitSettings, LimitSnapshot};

/// Limits by resource: get or create, look at all. An explicit value that the program passes around.
///
/// A resource that nobody has set a limit for gets the preset of its name: `database`, `communication`,
/// `external_api`, `files`; any other gets [`LimitSettings::resource`].
///
/// ```
/// use mainstay_bulkhead::Limits;
///
/// let limits = Limits::new();
/// assert_eq!(limits.get("database").snapshot().limit, 20);
/// assert_eq!(limits.get("something else").snapshot().limit, 10);
/// assert_eq!(limits.snapshots().len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct Limits(Arc<RwLock<BTreeMap<Name, Limit>>>);

// === impl Limits ===

impl Limits {
    /// No limits yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The limit of that resource; made by its preset if there is none. Look it up once and keep it. Names come from
    /// the program: every new one is kept for good.
    #[must_use]
    pub fn get(&self, resource: impl Into<Name>) -> Limit {
        let name = resource.into();
        if let Some(limit) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return limit.clone();
        }
        let mut limits = self.0.write().unwrap_or_else(PoisonError::into_inner);
        limits.entry(name.clone()).or_insert_with(|| Limit::build(name.clone(), &preset(&name))).clone()
    }

    /// Adds a limit under its own name, in place of the one that had it, which is given back.
    pub fn insert(&self, limit: Limit) -> Option<Limit> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(limit.name().clone(), limit)
    }

    /// All limits, by name.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One look at each, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<LimitSnapshot> {
        self.limits().iter().map(Limit::snapshot).collect()
    }
}

impl fmt::Debug for Limits {
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
