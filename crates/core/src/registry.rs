//! A bounded map of handles by name, for the registries of the patterns.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{InvalidSetting, Name, settings};

/// Handles by name, in bounded number. Clones share it. No code of the program runs under its lock.
///
/// Its names come from the program. The bound guards against names that are made of data: there is no eviction, because a
/// handle that was handed out would go on beside a second one of the same name.
pub struct Registry<H>(Arc<Inner<H>>);

struct Inner<H> {
    handles: RwLock<BTreeMap<Name, H>>,
    capacity: AtomicUsize,
    /// Whether a name has found no room.
    was_full: AtomicBool,
}

/// The result of [`Registry::get_or_make`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<H> {
    /// The handle of this name, which was there.
    Present(H),
    /// A new handle.
    Made(H),
    /// There is none, and no room. Whether this is the first time.
    NoRoom(bool),
}

// === impl Registry ===

impl<H: Clone> Registry<H> {
    /// The number of names that a registry holds, if no other is set: more than a program writes down, and few enough that
    /// names made of data are noticed.
    pub const DEFAULT_CAPACITY: usize = 1_024;

    /// Returns a handle of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<H> {
        self.read().get(name).cloned()
    }

    /// Returns the handle of this name, and makes one if there is none. `make` runs without a lock.
    pub fn get_or_make(&self, name: &Name, make: impl FnOnce() -> H) -> Found<H> {
        match self.get(name) {
            Some(handle) => return Found::Present(handle),
            None if self.len() >= self.capacity() => return Found::NoRoom(!self.0.was_full.swap(true, Relaxed)),
            None => {}
        }
        let made = make();
        let mut handles = self.write();
        if let Some(handle) = handles.get(name) {
            return Found::Present(handle.clone());
        }
        if handles.len() >= self.capacity() {
            return Found::NoRoom(!self.0.was_full.swap(true, Relaxed));
        }
        handles.insert(name.clone(), made.clone());
        Found::Made(made)
    }

    /// Adds a handle. Returns the one that had this name before.
    ///
    /// # Errors
    /// The name is new, and there is no room.
    pub fn insert(&self, name: Name, handle: H) -> Result<Option<H>, InvalidSetting> {
        let mut handles = self.write();
        if !handles.contains_key(&name) {
            settings::count("names in the registry", handles.len() as u64 + 1, 1..=self.capacity() as u64)?;
        }
        Ok(handles.insert(name, handle))
    }

    /// Removes the handle of this name. Its clones go on.
    pub fn remove(&self, name: &str) -> Option<H> {
        self.write().remove(name)
    }

    /// Returns all handles, ordered by name.
    #[must_use]
    pub fn all(&self) -> Vec<H> {
        self.read().values().cloned().collect()
    }

    /// Returns the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Returns whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Returns the largest number of names.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity.load(Relaxed)
    }

    /// Sets the largest number of names, 1 to a million. Names above it stay until they are removed.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn set_capacity(&self, capacity: usize) -> Result<(), InvalidSetting> {
        settings::count("capacity", capacity as u64, 1..=1_000_000)?;
        self.0.capacity.store(capacity, Relaxed);
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Name, H>> {
        self.0.handles.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Name, H>> {
        self.0.handles.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Clone> Default for Registry<H> {
    fn default() -> Self {
        Self(Arc::new(Inner {
            handles: RwLock::default(),
            capacity: AtomicUsize::new(Self::DEFAULT_CAPACITY),
            was_full: AtomicBool::new(false),
        }))
    }
}

impl<H> Clone for Registry<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Shows the handles, outside of the lock.
impl<H: Clone + fmt::Debug> fmt::Debug for Registry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Registry<u32> {
        let registry = Registry::default();
        registry.set_capacity(2).unwrap();
        registry
    }

    #[test]
    fn full_registry_makes_and_takes_no_new_name_until_one_is_removed() {
        let registry = small();
        assert_eq!(registry.get_or_make(&"a".into(), || 1), Found::Made(1));
        assert_eq!(registry.insert("b".into(), 2), Ok(None));
        assert_eq!(registry.get_or_make(&"c".into(), || 3), Found::NoRoom(true));
        assert_eq!(registry.get_or_make(&"d".into(), || 3), Found::NoRoom(false));
        let error = registry.insert("c".into(), 3).unwrap_err().to_string();
        assert_eq!(error, "names in the registry = 3: must be 1 to 2");
        assert_eq!(registry.insert("b".into(), 4), Ok(Some(2)));
        assert_eq!(registry.get_or_make(&"a".into(), || 5), Found::Present(1));
        assert_eq!(registry.remove("a"), Some(1));
        assert_eq!(registry.get_or_make(&"c".into(), || 6), Found::Made(6));
        assert_eq!((registry.all(), registry.len()), (vec![4, 6], 2));
        assert_eq!(registry.set_capacity(0).unwrap_err().field(), "capacity");
    }

    #[test]
    fn handle_is_made_without_the_lock() {
        let registry = small();
        let make = || {
            assert_eq!(registry.get_or_make(&"a".into(), || 1), Found::Made(1));
            2
        };
        assert_eq!(registry.get_or_make(&"a".into(), make), Found::Present(1), "the first one stays");
    }
}
