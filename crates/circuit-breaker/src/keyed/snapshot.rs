//! The figures of keyed breakers.

use mainstay_core::Name;

use crate::{
    BreakerSnapshot, State,
    counters::{Counter, Counts},
};

/// States and counts of [`KeyedBreakers`](crate::KeyedBreakers) at one time. Its counts never fall: they include those of
/// evicted breakers and of the shared one.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeyedBreakerSnapshot {
    /// The name of the whole.
    pub name: Name,
    /// The largest number of breakers that are kept.
    pub capacity: u32,
    /// Open breakers, the shared one included.
    pub open: usize,
    /// Half-open breakers, the shared one included.
    pub half_open: usize,
    /// Breakers that were evicted to make room for others, since the start.
    pub evicted: u64,
    /// Calls that succeeded, since the start.
    pub successes: u64,
    /// Calls that failed, since the start; abandoned calls included, overloads not.
    pub failures: u64,
    /// Calls that the dependency was too busy for.
    pub overloaded: u64,
    /// Calls that a layer below refused.
    pub rejected_below: u64,
    /// Calls that say nothing about the dependency.
    pub ignored: u64,
    /// Slow calls.
    pub slow: u64,
    /// Calls that the breakers refused.
    pub refused: u64,
    /// Calls that passed in the shadow mode and would have been refused in the normal one.
    pub would_have_refused: u64,
    /// Calls that the caller dropped after `abandoned_after`.
    pub abandoned: u64,
    /// Calls that the caller dropped and that count for nothing.
    pub dropped: u64,
    /// Outcomes that arrived after the state had changed, and changed nothing.
    pub late: u64,
    /// The breaker that new keys share while all others are open or in use.
    pub shared: BreakerSnapshot,
    /// The breaker of each kept key: open ones first, then half-open ones, then by name.
    pub breakers: Vec<BreakerSnapshot>,
}

// === impl KeyedBreakerSnapshot ===

impl KeyedBreakerSnapshot {
    pub(super) fn new(
        name: Name,
        capacity: u32,
        (evicted, counts): (u64, Counts),
        shared: BreakerSnapshot,
        mut breakers: Vec<BreakerSnapshot>,
    ) -> Self {
        let order = |one: &BreakerSnapshot| match one.state {
            State::Open => 0,
            State::HalfOpen => 1,
            State::Closed => 2,
        };
        breakers.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name)));
        let all = || breakers.iter().chain([&shared]);
        let in_state = |state| all().filter(|one| one.state == state).count();
        let sum = |counter, of: fn(&BreakerSnapshot) -> u64| all().map(of).fold(counts[counter], u64::wrapping_add);
        Self {
            open: in_state(State::Open),
            half_open: in_state(State::HalfOpen),
            successes: sum(Counter::Successes, |one| one.successes),
            failures: sum(Counter::Failures, |one| one.failures),
            overloaded: sum(Counter::Overloaded, |one| one.overloaded),
            rejected_below: sum(Counter::RejectedBelow, |one| one.rejected_below),
            ignored: sum(Counter::Ignored, |one| one.ignored),
            slow: sum(Counter::Slow, |one| one.slow),
            refused: sum(Counter::Refused, |one| one.refused),
            would_have_refused: sum(Counter::WouldHaveRefused, |one| one.would_have_refused),
            abandoned: sum(Counter::Abandoned, |one| one.abandoned),
            dropped: sum(Counter::Dropped, |one| one.dropped),
            late: sum(Counter::Late, |one| one.late),
            name,
            capacity,
            evicted,
            shared,
            breakers,
        }
    }
}
