//! The newest evidence of one endpoint: what chooses among the endpoints while none is usable.
//!
//! Each piece of evidence gets a number, and the numbers of the newest of each kind are kept. A failed probe does not
//! outdate an answered request: while none is usable, the probes of all fail, and the requests tell the endpoints apart.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{selector::News, weight::Weight};

/// The numbers of the newest evidence, 0 for none.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    count: AtomicU64,
    /// Of the newest probe, if it was good.
    good_probe: AtomicU64,
    /// Of a request that was answered well while the endpoint was not usable.
    answered: AtomicU64,
    /// Of a request that failed.
    failed: AtomicU64,
    /// Of a request that could not be handed over.
    unsent: AtomicU64,
    /// Of the newest evidence at the departure.
    left: AtomicU64,
}

// === impl Newest ===

impl Newest {
    fn next(&self) -> u64 {
        self.count.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn record_probe(&self, healthy: bool) {
        let number = self.next();
        self.good_probe.store(if healthy { number } else { 0 }, Relaxed);
    }

    pub(crate) fn record_success(&self) {
        self.answered.fetch_max(self.next(), Relaxed);
    }

    /// Records a failure. One that says nothing about the endpoint is no evidence.
    pub(crate) fn record_failure(&self, weight: Weight) {
        let newest = match weight {
            Weight::Connect { .. } => &self.unsent,
            Weight::Nothing | Weight::FailedEverywhere | Weight::SILENCE => return,
            Weight::Proven | Weight::Unproven { .. } => &self.failed,
        };
        newest.fetch_max(self.next(), Relaxed);
    }

    /// The endpoint is left: what requests have said until now does not choose among the endpoints.
    pub(crate) fn leave(&self) {
        self.left.store(self.count.load(Relaxed), Relaxed);
    }

    /// Whether the newest probe was good.
    pub(crate) fn has_good_probe(&self) -> bool {
        self.good_probe.load(Relaxed) > 0
    }

    /// Whether the newest probe is good and newer than the newest failure of a request.
    pub(crate) fn is_good_probe(&self) -> bool {
        self.good_probe.load(Relaxed) > self.bad()
    }

    pub(crate) fn news(&self) -> News {
        let [left, answered, good_probe, failed, unsent] =
            [&self.left, &self.answered, &self.good_probe, &self.failed, &self.unsent]
                .map(|number| number.load(Relaxed));
        let (bad, is_answered) = (failed.max(unsent), answered > left);
        match () {
            () if good_probe > bad || (is_answered && answered > bad) => News::Good,
            () if bad <= left => News::Unknown,
            () if unsent > failed => News::Unsent,
            () => News::Failed,
        }
    }

    fn bad(&self) -> u64 {
        self.failed.load(Relaxed).max(self.unsent.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_those_of_the_newest_evidence_since_the_departure() {
        let (newest, failed) = (Newest::default(), Weight::Unproven { in_streak: true, in_rate: true });
        let unsent = Weight::Connect { proven: false };
        assert_eq!(newest.news(), News::Unknown);
        newest.record_success();
        newest.record_failure(failed);
        newest.record_probe(false);
        newest.leave();
        assert_eq!(newest.news(), News::Unknown, "from before the departure");
        newest.record_success();
        newest.record_probe(false);
        assert_eq!(newest.news(), News::Good, "a failed probe does not outdate an answer");
        newest.record_failure(unsent);
        assert_eq!((newest.news(), newest.is_good_probe()), (News::Unsent, false));
        newest.record_failure(Weight::FailedEverywhere);
        newest.record_failure(Weight::SILENCE);
        assert_eq!(newest.news(), News::Unsent, "these say nothing of the endpoint");
        newest.record_probe(true);
        assert_eq!((newest.news(), newest.is_good_probe()), (News::Good, true));
        newest.record_failure(failed);
        assert_eq!((newest.news(), newest.is_good_probe()), (News::Failed, false));
    }
}
