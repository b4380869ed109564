//! Recovery, as plain data: the leases of a half-open breaker, and the gate of one that recovers by probes.
//!
//! A lease has a deadline, so a caller that keeps it for ever frees its place all the same.

use std::{num::NonZeroU64, time::Duration};

use tokio::time::Instant;

use crate::TrialCriteria;

/// The trial calls of one half-open epoch.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    leases: Vec<Lease>,
    given: u64,
    pub(crate) successes: u32,
    pub(crate) failures: u32,
}

#[derive(Debug)]
struct Lease {
    id: NonZeroU64,
    deadline: Instant,
    /// Its answer began well, and streams.
    begun: bool,
}

/// What the trial calls have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Recovered,
    Failing,
}

/// How far the probes have come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    pub(crate) row: u32,
    pub(crate) newest: Option<Instant>,
}

// === impl Trials ===

impl Trials {
    /// Takes a lease, if one of `permits` is free.
    pub(crate) fn lease(&mut self, permits: u32, lease: Duration, now: Instant) -> Option<NonZeroU64> {
        if self.leases.len() >= permits as usize {
            return None;
        }
        let id = NonZeroU64::MIN.saturating_add(self.given);
        self.given += 1;
        self.leases.push(Lease { id, deadline: now + lease, begun: false });
        Some(id)
    }

    /// Gives a lease back; false if it had expired.
    pub(crate) fn give_back(&mut self, id: NonZeroU64) -> bool {
        let before = self.leases.len();
        self.leases.retain(|lease| lease.id != id);
        self.leases.len() < before
    }

    /// The answer of this one began well, and streams.
    pub(crate) fn begun(&mut self, id: NonZeroU64) {
        self.leases.iter_mut().filter(|lease| lease.id == id).for_each(|lease| lease.begun = true);
    }

    /// Frees the leases whose deadline has passed, and says whether there were any. Each counts as a failure, unless
    /// its answer had begun.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.leases.len();
        let (successes, failures) = (&mut self.successes, &mut self.failures);
        self.leases.retain(|lease| {
            let expired = lease.deadline <= now;
            *successes += u32::from(expired && lease.begun);
            *failures += u32::from(expired && !lease.begun);
            !expired
        });
        self.leases.len() < before
    }

    /// When the next lease expires.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.leases.iter().map(|lease| lease.deadline).min()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.leases.len()
    }

    pub(crate) fn shown(&self, criteria: TrialCriteria) -> Shown {
        match criteria {
            TrialCriteria::Successes(_) if self.failures > 0 => Shown::Failing,
            TrialCriteria::Successes(enough) if self.successes >= enough => Shown::Recovered,
            TrialCriteria::Successes(_) => Shown::Nothing,
            TrialCriteria::Rate { calls, failure_rate } => {
                let too_many = (f64::from(calls) * failure_rate).ceil().max(1.0) as u32;
                // So many successes leave no room for too many failures.
                let enough = (calls + 1).saturating_sub(too_many);
                match (self.failures >= too_many, self.successes >= enough) {
                    (true, _) => Shown::Failing,
                    (_, true) => Shown::Recovered,
                    _ => Shown::Nothing,
                }
            }
        }
    }
}

// === impl Gate ===

impl Gate {
    pub(crate) fn record(&mut self, success: bool, now: Instant) {
        self.row = if success { self.row.saturating_add(1) } else { 0 };
        if success {
            self.newest = Some(now);
        }
    }

    /// Whether enough probes succeeded in a row, and the newest is fresh.
    pub(crate) fn is_open(&self, successes: u32, fresh_for: Duration, now: Instant) -> bool {
        let fresh = self.newest.is_some_and(|newest| now.saturating_duration_since(newest) <= fresh_for);
        self.row >= successes && fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_decided_as_early_as_it_is_certain() {
        let shown = |successes, failures| {
            let trials = Trials { successes, failures, ..Trials::default() };
            trials.shown(TrialCriteria::Rate { calls: 10, failure_rate: 0.5 })
        };
        assert_eq!(shown(5, 4), Shown::Nothing);
        assert_eq!(shown(6, 4), Shown::Recovered);
        assert_eq!(shown(6, 0), Shown::Recovered);
        assert_eq!(shown(5, 5), Shown::Failing);
        let all = |failures| {
            let trials = Trials { successes: 0, failures, ..Trials::default() };
            trials.shown(TrialCriteria::Rate { calls: 3, failure_rate: 1.0 })
        };
        assert_eq!((all(2), all(3)), (Shown::Nothing, Shown::Failing));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_never_given_back_expires() {
        let mut trials = Trials::default();
        let second = Duration::from_secs(1);
        let id = trials.lease(1, second, Instant::now()).unwrap();
        assert!(trials.lease(1, second, Instant::now()).is_none());
        assert!(trials.expire(Instant::now() + second));
        assert_eq!((trials.successes, trials.failures), (0, 1));
        assert!(trials.lease(1, second, Instant::now()).is_some());
        assert!(!trials.give_back(id));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_outlives_its_lease_has_shown_enough() {
        let mut trials = Trials::default();
        let second = Duration::from_secs(1);
        let id = trials.lease(1, second, Instant::now()).unwrap();
        trials.begun(id);
        assert!(trials.expire(Instant::now() + second));
        assert_eq!((trials.successes, trials.failures, trials.in_flight()), (1, 0, 0));
    }
}
