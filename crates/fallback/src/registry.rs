//! Fallbacks by the name of the service they stand in for.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use mainstay_core::Name;

use crate::{FallbackSnapshot, Fallbacks};

/// The fallbacks of a process by name: where pages, health checks and operators find them.
///
/// Nothing in a request's path reads it. Cheap to clone; all clones are one registry.
///
/// ```
/// use mainstay_fallback::{FallbackLayer, FallbackRegistry};
///
/// let fallbacks = FallbackRegistry::new();
/// let layer = FallbackLayer::value("sorry").named("orders");
/// fallbacks.insert(layer.handle());
///
/// let orders = fallbacks.get("orders").expect("it was inserted");
/// orders.switch_off("value");
/// assert_eq!(fallbacks.snapshots().len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct FallbackRegistry(Arc<RwLock<BTreeMap<Name, Fallbacks>>>);

// === impl FallbackRegistry ===

impl FallbackRegistry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fallback under its own name, and gives the one that had the name before.
    pub fn insert(&self, fallbacks: &Fallbacks) -> Option<Fallbacks> {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(fallbacks.name().clone(), fallbacks.clone())
    }

    /// The fallback of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Fallbacks> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Takes the fallback of this name out; its services go on.
    pub fn remove(&self, name: &str) -> Option<Fallbacks> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// The figures of all, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<FallbackSnapshot> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().map(Fallbacks::snapshot).collect()
    }
}

impl fmt::Debug for FallbackRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshots()).finish()
    }
}
