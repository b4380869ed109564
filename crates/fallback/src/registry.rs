//! A registry of handles by name.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use mainstay_core::Name;

use crate::{FallbackHandle, FallbackSnapshot};

/// The fallbacks of a process by name, for status pages, health checks and operators.
///
/// No request reads it. Cheap to clone; all clones share one state.
///
/// ```
/// use mainstay_fallback::{FallbackLayer, FallbackRegistry};
///
/// let fallbacks = FallbackRegistry::new();
/// let layer = FallbackLayer::value("orders", "sorry");
/// fallbacks.insert(layer.handle());
///
/// let orders = fallbacks.get("orders").expect("it was inserted");
/// orders.switch_off("value");
/// assert_eq!(fallbacks.snapshots().len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct FallbackRegistry(Arc<RwLock<BTreeMap<Name, FallbackHandle>>>);

// === impl FallbackRegistry ===

impl FallbackRegistry {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handle under its name. Returns the previous handle of that name.
    pub fn insert(&self, handle: &FallbackHandle) -> Option<FallbackHandle> {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(handle.name().clone(), handle.clone())
    }

    /// Returns the handle of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<FallbackHandle> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Removes the handle of this name. Its services are not affected.
    pub fn remove(&self, name: &str) -> Option<FallbackHandle> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// Returns the figures of all fallbacks, in order of name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<FallbackSnapshot> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().map(FallbackHandle::snapshot).collect()
    }
}

impl fmt::Debug for FallbackRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshots()).finish()
    }
}
