//! A panic of foreign code, recorded where it happens.

use std::mem;

/// Runs `call`. If it panics, runs `record` while the panic unwinds.
///
/// A layer outside may catch the panic (`CatchPanicLayer`) before it drops the future, so that
/// [`panicking`](std::thread::panicking) is false in a drop. It is also true in the drop of a healthy call on a thread
/// that panics elsewhere. `catch_unwind` was rejected: it moves every result through memory.
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use mainstay_core::on_panic;
///
/// let mut failures = 0;
/// assert_eq!(on_panic(|| failures += 1, || 42), 42);
/// let panics = AssertUnwindSafe(|| on_panic(|| failures += 1, || panic!("as scripted")));
/// assert!(catch_unwind(panics).is_err());
/// assert_eq!(failures, 1);
/// ```
#[inline]
pub fn on_panic<T>(record: impl FnOnce(), call: impl FnOnce() -> T) -> T {
    let unwinding = Unwinding(Some(record));
    let returned = call();
    mem::forget(unwinding);
    returned
}

/// Dropped only while a panic unwinds.
struct Unwinding<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Unwinding<F> {
    #[cold]
    fn drop(&mut self) {
        if let Some(record) = self.0.take() {
            record();
        }
    }
}
