//! Whether a layer below the retry layer uses the context of requests.
//!
//! A context in an HTTP request is three allocations, and its attempt quota one more: a third of what a retry layer costs.
//! A first attempt needs them only if a layer below takes part in the quota or forwards the number of the attempt. That is
//! found by the requests themselves: the first ones have a context, and a layer that uses it
//! [notes that](mainstay_core::AttemptQuota::note_use).

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use mainstay_core::AttemptQuota;

/// What the requests of one service have found.
#[derive(Debug, Default)]
pub(crate) struct ContextUse(AtomicU8);

/// The values grow: once a layer has used a context, each first attempt has one.
const UNKNOWN: u8 = 0;
const UNUSED: u8 = 1;
const USED: u8 = 2;

// === impl ContextUse ===

impl ContextUse {
    /// Whether a first attempt needs a context.
    #[inline]
    pub(crate) fn is_needed(&self) -> bool {
        self.0.load(Relaxed) != UNUSED
    }

    /// Records whether the quota of a request that has ended was used. `reached` says that no layer below has refused it.
    #[inline]
    pub(crate) fn record(&self, quota: &AttemptQuota, reached: bool) {
        let found = match quota.is_used() {
            true => USED,
            false if reached => UNUSED,
            false => UNKNOWN,
        };
        if found > self.0.load(Relaxed) {
            self.0.fetch_max(found, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_needed_until_a_success_shows_no_use_and_for_ever_after_a_use() {
        let context_use = ContextUse::default();
        let (unused, used) = (AttemptQuota::new(1), AttemptQuota::new(1));
        used.note_use();
        context_use.record(&unused, false);
        assert!(context_use.is_needed());
        context_use.record(&unused, true);
        assert!(!context_use.is_needed());
        context_use.record(&used, false);
        assert!(context_use.is_needed());
        context_use.record(&unused, true);
        assert!(context_use.is_needed());
    }
}
