//! The progress of a recovery: when an open breaker becomes half-open, how many trial calls it admits, and when it closes.
//!
//! [`RecoveryState`] decides all three; the state machine carries them out. With [`Recovery::Trials`],
//! [`due`](RecoveryState::due) makes a breaker half-open when its open time has passed,
//! [`admit_trial`](RecoveryState::admit_trial) admits up to `permits` calls at a time
//! ([`Recovery::DEFAULT_PERMITS`]), and [`TrialCriteria`] turn their results into closed or open. Trial calls are paced if
//! `refusals_per_trial` is set: one for each open time, which [`hasten_trial`](RecoveryState::hasten_trial) shortens, until
//! the first one has succeeded. With [`Recovery::Probes`], a breaker is never half-open: `due` closes an open one.

use std::num::NonZeroU64;

use tokio::time::Instant;

use crate::{
    BreakerSettings, Recovery, RecoveryProgress, State, TrialCriteria, probe_streak::ProbeStreak, trials::Trials,
};

/// What is known of the recovery since the last change of state.
#[derive(Debug)]
pub(crate) struct RecoveryState {
    /// The end of the open time.
    pub(crate) open_until: Instant,
    /// Whether the open time was ended early.
    pub(crate) is_waived: bool,
    /// The time before which refused calls do not make a trial call due.
    pub(crate) trial_from: Instant,
    /// When a half-open breaker admits another trial call although none has succeeded.
    next_trial: Instant,
    pub(crate) trials: Trials,
    pub(crate) probes: ProbeStreak,
}

// === impl RecoveryState ===

impl RecoveryState {
    pub(crate) fn new(open_until: Instant, trial_from: Instant) -> Self {
        Self {
            open_until,
            is_waived: false,
            trial_from,
            next_trial: open_until,
            trials: Trials::default(),
            probes: ProbeStreak::default(),
        }
    }

    /// Returns the change of state that is due at this time, with its reason. Expires leases.
    pub(crate) fn due(&mut self, recovery: Recovery, state: State, now: Instant) -> Option<(State, String)> {
        match (state, recovery) {
            (State::Open, Recovery::Trials { .. }) if now >= self.open_until => {
                Some((State::HalfOpen, "the open time has passed: trial calls".to_owned()))
            }
            (State::Open, Recovery::Probes { successes, fresh_for }) if now >= self.open_until => {
                let streak = self.probes.successes;
                let hold = if self.is_waived { "is waived" } else { "has passed" };
                let reason = || format!("{streak} probes succeeded in a row and the hold {hold}");
                self.probes.is_enough(successes, fresh_for, now).then(|| (State::Closed, reason()))
            }
            (State::HalfOpen, Recovery::Trials { .. }) => {
                self.trials.expire(now);
                self.trial_result(recovery)
            }
            // The settings have changed. The open time has passed: probes alone decide.
            (State::HalfOpen, Recovery::Probes { .. }) => Some((State::Open, "recovers by probes".to_owned())),
            _ => None,
        }
    }

    /// Returns the change of state that the trial calls so far lead to, with its reason.
    pub(crate) fn trial_result(&self, recovery: Recovery) -> Option<(State, String)> {
        let Recovery::Trials { criteria, .. } = recovery else { return None };
        let Trials { successes, failures, .. } = self.trials;
        let state = criteria.result(successes, failures)?;
        let reason = match state {
            State::Open => format!("{failures} of {} trial calls failed", successes + failures),
            _ => format!("{successes} trial calls succeeded"),
        };
        Some((state, reason))
    }

    /// Admits a trial call of a half-open breaker, if a permit is free and the pace allows it.
    pub(crate) fn admit_trial(
        &mut self,
        settings: &BreakerSettings,
        openings: u32,
        now: Instant,
    ) -> Option<NonZeroU64> {
        let Recovery::Trials { permits, lease, .. } = settings.recovery else { return None };
        if self.is_paced(settings) && now < self.next_trial {
            return None;
        }
        let id = self.trials.lease(permits, lease, now)?;
        self.next_trial = now + settings.open.time(openings);
        self.trial_from = now + settings.open.base;
        Some(id)
    }

    /// Returns whether a half-open breaker admits another trial call only when its time has come: the first successes
    /// are missing.
    fn is_paced(&self, settings: &BreakerSettings) -> bool {
        settings.open.refusals_per_trial.is_some() && self.trials.in_flight() > self.trials.successes as usize
    }

    /// Makes a trial call due, after enough refused calls.
    pub(crate) fn hasten_trial(&mut self, recovery: Recovery, state: State, now: Instant) {
        let due = self.trial_from.max(now);
        match (state, recovery) {
            (State::Open, Recovery::Trials { .. }) => self.open_until = self.open_until.min(due),
            (State::HalfOpen, Recovery::Trials { .. }) => self.next_trial = self.next_trial.min(due),
            _ => {}
        }
    }

    /// Returns the time until which every call is refused; `None` if only an event can end that.
    pub(crate) fn refuses_until(&self, settings: &BreakerSettings, state: State, now: Instant) -> Option<Instant> {
        match (state, settings.recovery) {
            (State::Open, Recovery::Trials { .. }) => Some(self.open_until),
            (State::Open, Recovery::Probes { successes, fresh_for }) => {
                let at = now.max(self.open_until);
                self.probes.is_enough(successes, fresh_for, at).then_some(at)
            }
            (State::HalfOpen, Recovery::Trials { permits, .. }) if self.trials.in_flight() >= permits as usize => {
                self.trials.next_deadline()
            }
            (State::HalfOpen, Recovery::Trials { .. }) if self.is_paced(settings) => {
                Some(self.trials.next_deadline().map_or(self.next_trial, |deadline| deadline.min(self.next_trial)))
            }
            (State::Closed | State::HalfOpen, _) => Some(now),
        }
    }

    /// Returns how far the recovery has come; `None` while closed.
    pub(crate) fn progress(&self, recovery: Recovery, state: State) -> Option<RecoveryProgress> {
        let have = match state {
            State::Closed => return None,
            State::Open => self.probes.successes,
            State::HalfOpen => self.trials.successes,
        };
        let need = match recovery {
            Recovery::Probes { successes, .. }
            | Recovery::Trials { criteria: TrialCriteria::Successes(successes), .. } => successes,
            Recovery::Trials { criteria: TrialCriteria::Rate { calls, .. }, .. } => calls,
        };
        Some(RecoveryProgress { have: have.min(need), need })
    }
}
