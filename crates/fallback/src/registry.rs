//! A registry of handles by name.

use mainstay_core::{InvalidSetting, Registry};

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
/// fallbacks.insert(layer.handle())?;
///
/// let orders = fallbacks.get("orders").expect("it was inserted");
/// orders.switch_off("value");
/// assert_eq!(fallbacks.snapshots().len(), 1);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FallbackRegistry(Registry<FallbackHandle>);

// === impl FallbackRegistry ===

impl FallbackRegistry {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the largest number of names, 1 to a million, by default 1,024.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn with_capacity(self, capacity: usize) -> Result<Self, InvalidSetting> {
        self.0.set_capacity(capacity)?;
        Ok(self)
    }

    /// Adds a handle under its name. Returns the previous handle of that name.
    ///
    /// # Errors
    /// The name is new, and the registry is full.
    pub fn insert(&self, handle: &FallbackHandle) -> Result<Option<FallbackHandle>, InvalidSetting> {
        self.0.insert(handle.name().clone(), handle.clone())
    }

    /// Returns the handle of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<FallbackHandle> {
        self.0.get(name)
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
