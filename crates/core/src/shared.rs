//! What a handle shares: counted, or lasting as long as the process.
//!
//! A call that keeps its handle's state alive counts a reference to it. That is two locked operations, all that a closed
//! breaker makes, and where threads meet at one handle they wait for each other at that count and nowhere else. State that
//! is never given back needs no count.

use std::{fmt, ops::Deref, sync::Arc};

/// An `Arc`, or a reference to what lasts as long as the process.
pub enum Shared<T: 'static> {
    /// Given back with its last clone.
    Counted(Arc<T>),
    /// Never given back.
    Leaked(&'static T),
}

// === impl Shared ===

impl<T> Shared<T> {
    /// Counted.
    pub fn new(value: T) -> Self {
        Self::Counted(Arc::new(value))
    }

    /// The same state, never given back from now on: leaks it, once. Clones that were made before stay counted.
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
            Self::Leaked(lasting) => Self::Leaked(lasting),
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
