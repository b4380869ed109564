//! What requests and probes say against one endpoint: signals that are counted apart.
//!
//! A signal never ends an endpoint's use by itself: [`record`](Signals::record) returns a [`Decision`], which the
//! [switchboard](crate::switchboard) carries out.

use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Relaxed, SeqCst},
};

use mainstay_circuit_breaker::WindowSettings;
use mainstay_core::{Outcome, Tally, Window};
use tokio::time::Instant;

use crate::{
    decision::{Decision, Signal, WithoutProbe, in_a_row, rate, without_answer},
    live::Limits,
    weight::Weight,
};

#[cfg(test)]
mod tests;

/// The signals of one endpoint since it was last left, or has returned.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Consecutive requests that could not be handed over.
    connect: AtomicU32,
    /// Consecutive probe rounds that failed.
    probes: AtomicU32,
    /// Consecutive requests that failed, proven or not.
    requests: AtomicU32,
    /// Consecutive requests that failed here and that another endpoint answered.
    proven: AtomicU32,
    /// Whether a proven streak was forgotten for a good probe, and no request has succeeded since.
    has_passed_probe: AtomicBool,
    /// Successes, and failures of requests that another endpoint answered.
    compared: Window,
    /// Successes, and failures of requests that no other endpoint was asked.
    unproven: Window,
    /// Whether a success changes anything.
    is_marked: AtomicBool,
}

// === impl Signals ===

impl Signals {
    pub(crate) fn new(window: WindowSettings) -> Self {
        let window = || match window {
            WindowSettings::LastCalls(n) => Window::last_calls(n),
            WindowSettings::Last(span) => Window::last(span),
        };
        Self {
            connect: AtomicU32::default(),
            probes: AtomicU32::default(),
            requests: AtomicU32::default(),
            proven: AtomicU32::default(),
            has_passed_probe: AtomicBool::default(),
            compared: window(),
            unproven: window(),
            is_marked: AtomicBool::default(),
        }
    }

    /// Records a request that failed.
    pub(crate) fn record(&self, weight: Weight, limits: Limits, window_epoch: u16) -> Decision {
        let decision = match weight {
            Weight::Nothing => return Decision::Stay,
            Weight::FailedEverywhere => {
                self.connect.store(0, SeqCst);
                Decision::Stay
            }
            Weight::Connect { proven } => {
                let streak = lengthen(&self.connect);
                let counted = if proven { self.prove(limits, window_epoch) } else { Decision::Stay };
                match streak >= limits.streak {
                    true => Decision::leave(Signal::Connect, format!("{streak} requests in a row could not be sent")),
                    false => counted,
                }
            }
            Weight::Proven => {
                self.connect.store(0, SeqCst);
                lengthen(&self.requests);
                self.prove(limits, window_epoch)
            }
            Weight::Unproven { in_streak, in_rate } => {
                self.connect.store(0, SeqCst);
                let hits = if in_rate { self.unproven.record_for_hits(true, window_epoch, Instant::now) } else { None };
                let streak = if in_streak { lengthen(&self.requests) } else { 0 };
                let breaks = |tally: &Tally| tally.reaches(limits.unproven_failure_rate, limits.minimum_calls);
                match hits.filter(breaks) {
                    Some(tally) => Decision::Compare { reason: rate(tally) },
                    _ if streak >= limits.streak => {
                        let (without_probe, reason) = match in_rate {
                            true => (WithoutProbe::Compare, in_a_row(streak)),
                            false => (WithoutProbe::Stay, without_answer(streak)),
                        };
                        Decision::Ask { proven: false, without_probe, reason }
                    }
                    _ => Decision::Stay,
                }
            }
        };
        // After the counts: a success that clears the mark looks at them once more.
        self.is_marked.store(true, SeqCst);
        decision
    }

    /// Raises a failure that was recorded without a comparison, because another endpoint has answered the request since.
    pub(crate) fn prove(&self, limits: Limits, window_epoch: u16) -> Decision {
        let streak = lengthen(&self.proven);
        let tally = self.compared.record_for_hits(true, window_epoch, Instant::now);
        self.is_marked.store(true, SeqCst);
        match tally.filter(|tally| tally.reaches(limits.failure_rate, limits.minimum_calls)) {
            Some(tally) => Decision::leave(Signal::Requests, rate(tally)),
            None if streak >= limits.streak && self.has_passed_probe.load(SeqCst) => {
                let reason = format!("{streak} failures in a row after a good probe, and as many before it");
                Decision::leave(Signal::Requests, reason)
            }
            None if streak >= limits.streak => {
                Decision::Ask { proven: true, without_probe: WithoutProbe::Leave, reason: in_a_row(streak) }
            }
            None => Decision::Stay,
        }
    }

    /// Records the outcome of a trial call, and returns the number of failed ones in a row.
    pub(crate) fn record_trial(&self, outcome: &Outcome, weight: Weight) -> u32 {
        match weight {
            Weight::Unproven { .. } => lengthen(&self.requests),
            _ => {
                if outcome.is_success() {
                    self.forget_streaks();
                }
                0
            }
        }
    }

    /// Whether a success changes anything. One load on the path of every request.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.is_marked.load(Relaxed)
    }

    /// Makes the next success look at the signals.
    pub(crate) fn mark(&self) {
        self.is_marked.store(true, SeqCst);
    }

    /// Records a success: it ends the streaks of requests and counts in the windows. Clears the mark when nothing is left
    /// that a success could change.
    #[cold]
    pub(crate) fn record_success(&self, window_epoch: u16, may_clear: bool) {
        self.forget_streaks();
        self.connect.store(0, SeqCst);
        self.compared.record(false, window_epoch, Instant::now);
        self.unproven.record(false, window_epoch, Instant::now);
        if may_clear && !self.has_hits() {
            self.is_marked.store(false, SeqCst);
            if self.has_hits() || self.connect.load(SeqCst) > 0 || self.consecutive_failures() > 0 {
                self.is_marked.store(true, SeqCst);
            }
        }
    }

    /// Forgets the streaks of requests. The rates stay.
    pub(crate) fn forget_streaks(&self) {
        self.requests.store(0, SeqCst);
        self.proven.store(0, SeqCst);
        self.has_passed_probe.store(false, SeqCst);
    }

    /// Forgets the streaks for a good probe. A proven streak is forgotten once: after that only a success ends it.
    pub(crate) fn pass_probe(&self, limits: Limits) {
        self.requests.store(0, SeqCst);
        // Set first: a success at the same time clears the streak and then this.
        if !self.has_passed_probe.swap(true, SeqCst) && self.proven.swap(0, SeqCst) < limits.streak {
            self.has_passed_probe.store(false, SeqCst);
        }
    }

    /// Records a probe round, and returns the number of failed ones in a row.
    pub(crate) fn record_probe(&self, healthy: bool) -> u32 {
        match healthy {
            true => {
                self.probes.store(0, SeqCst);
                0
            }
            false => lengthen(&self.probes),
        }
    }

    /// Empties everything: the endpoint was left, or is back.
    pub(crate) fn reset(&self, window_epoch: u16) {
        self.forget_streaks();
        self.connect.store(0, SeqCst);
        self.probes.store(0, SeqCst);
        self.compared.reset(window_epoch);
        self.unproven.reset(window_epoch);
    }

    fn has_hits(&self) -> bool {
        self.compared.tally(Instant::now).hits > 0 || self.unproven.tally(Instant::now).hits > 0
    }

    /// Returns the number of consecutive requests that failed.
    pub(crate) fn consecutive_failures(&self) -> u32 {
        self.requests.load(SeqCst).max(self.proven.load(SeqCst)).max(self.connect.load(SeqCst))
    }

    /// Returns the number of consecutive probe rounds that failed.
    pub(crate) fn failed_probes(&self) -> u32 {
        self.probes.load(SeqCst)
    }

    /// Returns the successes and failures of requests that were compared.
    pub(crate) fn compared(&self) -> Tally {
        self.compared.tally(Instant::now)
    }

    /// Whether these limits are reached by requests.
    pub(crate) fn reaches(&self, limits: Limits) -> bool {
        self.requests.load(SeqCst) >= limits.streak
            || self.compared().reaches(limits.failure_rate, limits.minimum_calls)
            || self.unproven.tally(Instant::now).reaches(limits.unproven_failure_rate, limits.minimum_calls)
    }
}

fn lengthen(streak: &AtomicU32) -> u32 {
    let before = streak.fetch_update(SeqCst, SeqCst, |n| Some(n.saturating_add(1)));
    before.unwrap_or_else(|n| n).saturating_add(1)
}
