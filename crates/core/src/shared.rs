//! Shared state of a handle: counted, or leaked.
//!
//! A call that keeps the state of its handle alive counts a reference. These are the only two locked operations of a
//! closed breaker, and the only place where threads with the same handle contend. Leaked state needs no count.

use std::{fmt, ops::Deref, sync::Arc};

/// An `Arc`, or a reference to leaked state.
pub enum Shared<T: 'static> {
    /// Freed with the last clone.
    Counted(Arc<T>),
    /// Never freed.
    Leaked(&'static T),
}

// === impl Shared ===

impl<T> Shared<T> {
    /// Creates counted state.
    pub fn new(value: T) -> Self {
        Self::Counted(Arc::new(value))
    }

    /// Returns whether another handle to the state exists. Leaked state always has one.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Counted(counted) => Arc::strong_count(counted) > 1,
            Self::Leaked(_) => true,
        }
    }

    /// Leaks the state, so that the returned handle and its clones need no count. Earlier clones stay counted.
    #[must_use]
    pub fn leak(self) -> Self {
        match self {
            Self::Counted(counted) => Self::Leaked(Box::leak(Box::new(counted))),
            leaked => leaked,
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Counted(counted) => counted,
            Self::Leaked(leaked) => leaked,
        }
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Counted(counted) => Self::Counted(Arc::clone(counted)),
            Self::Leaked(leaked) => Self::Leaked(leaked),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_clones_and_counted_ones_are_the_same_state() {
        let counted = Shared::new(std::sync::atomic::AtomicU32::new(0));
        let lasting = counted.clone().leak().leak();
        lasting.clone().store(7, std::sync::atomic::Ordering::Relaxed);
        drop(lasting);
        assert_eq!(counted.load(std::sync::atomic::Ordering::Relaxed), 7);
        assert_eq!(format!("{counted:?}"), "7");
    }
}
