//! What a breaker counts since it was made.
//!
//! `state_machine/admit.rs` increments the counters of refusals, `state_machine/record.rs` those of outcomes, and
//! `permit.rs` those of calls that their callers dropped.
//!
//! A new counter takes a variant of [`Counter`], a field of [`BreakerSnapshot`](crate::BreakerSnapshot), and a sample in
//! the gateway's `metrics.rs`.

use std::ops::Index;

use mainstay_core::Counters;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Successes,
    Failures,
    Overloaded,
    RejectedBelow,
    Ignored,
    Slow,
    Refused,
    Abandoned,
    Dropped,
    Late,
    /// Stays the last one: [`COUNT`] is derived from it.
    WouldHaveRefused,
}

const COUNT: usize = Counter::WouldHaveRefused as usize + 1;

#[derive(Debug)]
pub(crate) struct BreakerCounters(Counters<COUNT>);

/// One reading of all counters, indexed by [`Counter`].
#[derive(Default)]
pub(crate) struct Counts([u64; COUNT]);

// === impl BreakerCounters ===

impl BreakerCounters {
    /// Creates counters with one set per thread.
    pub(crate) fn per_thread() -> Self {
        Self(Counters::per_thread())
    }

    /// Creates one set of counters that all threads share: smaller, for breakers made by the thousand.
    pub(crate) fn shared() -> Self {
        Self(Counters::shared())
    }

    #[inline]
    pub(crate) fn add(&self, counter: Counter) {
        self.0.add(counter as usize);
    }

    /// Adds the counts of another breaker.
    pub(crate) fn add_all(&self, counts: &Counts) {
        counts.0.iter().enumerate().for_each(|(index, count)| self.0.add_many(index, *count));
    }

    pub(crate) fn read(&self) -> Counts {
        Counts(self.0.read())
    }
}

// === impl Counts ===

impl Index<Counter> for Counts {
    type Output = u64;

    fn index(&self, counter: Counter) -> &u64 {
        &self.0[counter as usize]
    }
}
