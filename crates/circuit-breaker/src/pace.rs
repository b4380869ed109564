//! Counts the refused calls since the last trial call: every so many of them make one due.

use portable_atomic::{AtomicU32, Ordering::Relaxed};

/// The refused calls since the last trial call, or since a closed breaker opened.
///
/// Threads that count at once may lose counts, which only delays a trial call. In exchange a refusal needs no locked
/// operation.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    refused: AtomicU32,
    /// Zero if refused calls make no trial call due.
    per_trial: AtomicU32,
}

// === impl Pace ===

impl Pace {
    pub(crate) fn configure(&self, refusals_per_trial: Option<u32>) {
        self.per_trial.store(refusals_per_trial.unwrap_or(0), Relaxed);
    }

    /// Counts a refused call. Returns whether it makes a trial call due.
    #[inline]
    pub(crate) fn count(&self) -> bool {
        let refused = self.refused.load(Relaxed).saturating_add(1);
        self.refused.store(refused, Relaxed);
        refused == self.per_trial.load(Relaxed)
    }

    /// Returns whether a trial call is due by the calls that were refused so far.
    pub(crate) fn is_due(&self) -> bool {
        let per_trial = self.per_trial.load(Relaxed);
        per_trial > 0 && self.refused.load(Relaxed) >= per_trial
    }

    pub(crate) fn restart(&self) {
        self.refused.store(0, Relaxed);
    }
}
