//! Whether a budget refuses although the dependency is well, because a client with few requests earns tokens too slowly.

use portable_atomic::{AtomicBool, AtomicU64, Ordering};

/// Compares the successes between two retries with what a retry costs.
#[derive(Debug, Default)]
pub(super) struct Expired {
    /// The number of successes at the last retry, paid or refused.
    at_last_retry: AtomicU64,
    /// The number of successes whose tokens had expired when a retry was refused; zero if there was no such retry.
    unused: AtomicU64,
    is_reported: AtomicBool,
}

impl Expired {
    /// Notes a retry, after this many successes altogether. One that is refused, although `enough` successes came since
    /// the last one to pay for it, was refused because their tokens had expired.
    pub(super) fn note(&self, successes: u64, enough: Option<u64>, is_refused: bool) {
        let since = successes.saturating_sub(self.at_last_retry.swap(successes, Ordering::AcqRel));
        if is_refused && enough.is_some_and(|enough| since >= enough) {
            self.unused.store(since, Ordering::Release);
        }
    }

    /// Returns the number of unused successes, once.
    pub(super) fn report(&self) -> Option<u64> {
        let unused = self.unused.load(Ordering::Acquire);
        (unused > 0 && !self.is_reported.swap(true, Ordering::AcqRel)).then_some(unused)
    }
}
