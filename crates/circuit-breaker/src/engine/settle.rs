//! Recording: a closed breaker's windows, a half-open one's trial calls, an open one's probes.

use std::{num::NonZeroU64, time::Duration};

use mainstay_core::{Class, Outcome};
use portable_atomic::Ordering::Relaxed;
use tokio::time::Instant;

use super::{Engine, NEVER, counter, nanos};
use crate::{Mode, State};

impl Engine {
    /// Records a success if that is all there is to do: of a closed breaker whose windows are full of successes. Two
    /// words are read, and this thread's count is written. False, and nothing done, in all other cases.
    #[inline]
    pub(crate) fn absorb_success(&self, epoch: u64, took: Option<Duration>) -> bool {
        let word = self.word.load();
        let absorbed = word.passes() && word.epoch() == epoch && self.rules.absorb_success(epoch, took);
        if absorbed {
            self.counters.add(counter::SUCCESS);
        }
        absorbed
    }

    /// The outcome of a call that was admitted in this epoch.
    #[inline(never)]
    pub(crate) fn settle(&self, epoch: u64, lease: Option<NonZeroU64>, outcome: &Outcome, took: Option<Duration>) {
        if self.word.load().mode() == Mode::Disabled {
            return;
        }
        self.count(outcome, took);
        if matches!(outcome.class(), Class::Ignored | Class::Rejected) {
            return self.give_back(epoch, lease);
        }
        let word = self.word.load();
        if word.epoch() != epoch {
            return self.counters.add(counter::LATE);
        }
        match word.state() {
            State::Closed => {
                if let Some(fired) = self.rules.record(outcome, epoch, took) {
                    self.open(epoch, fired.to_string(), outcome.repeat().after());
                }
            }
            // What opens a breaker must not close it: a slow answer shows nothing good where slowness is a rule.
            State::HalfOpen => {
                let showed = outcome.is_success() && !took.is_some_and(|took| self.rules.is_slow(took));
                self.settle_trial(epoch, lease, showed, outcome.repeat().after());
            }
            State::Open => {}
        }
    }

    fn settle_trial(&self, epoch: u64, lease: Option<NonZeroU64>, success: bool, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut memory = self.lock();
        let mut changes = self.advance(&mut memory, now);
        let in_time = lease.is_none_or(|lease| memory.trials.give_back(lease));
        if self.word.load().epoch() == epoch && in_time {
            match success {
                true => memory.trials.successes += 1,
                false => memory.trials.failures += 1,
            }
            changes = changes.or(self.judge(&mut memory, now, retry_after));
        }
        self.update_ask_again(&mut memory, now);
        drop(memory);
        self.announce(changes);
    }

    /// The answer of a trial call began well and goes on, after this time; slowness shows nothing good.
    pub(crate) fn begun(&self, epoch: u64, lease: Option<NonZeroU64>, took: Option<Duration>) {
        let Some(lease) = lease.filter(|_| !took.is_some_and(|took| self.rules.is_slow(took))) else { return };
        let mut memory = self.lock();
        if self.word.load().epoch() == epoch {
            memory.trials.begun(lease);
        }
    }

    /// A lease whose call said nothing about the dependency.
    pub(crate) fn give_back(&self, epoch: u64, lease: Option<NonZeroU64>) {
        let Some(lease) = lease else { return };
        let mut memory = self.lock();
        if self.word.load().epoch() == epoch && memory.trials.give_back(lease) {
            self.update_ask_again(&mut memory, Instant::now());
            drop(memory);
            // A place is free: whoever waits for one may ask.
            self.watch.send_modify(|_| {});
        }
    }

    /// A probe's outcome: counts like a call while closed, toward the gate while open.
    pub(crate) fn settle_probe(&self, epoch: u64, outcome: &Outcome) {
        if matches!(outcome.class(), Class::Ignored | Class::Rejected) || self.word.load().epoch() != epoch {
            return;
        }
        if self.word.load().state() != State::Open {
            return self.settle(epoch, None, outcome, None);
        }
        let now = Instant::now();
        let mut memory = self.lock();
        if self.word.load().epoch() == epoch {
            memory.gate.record(outcome.is_success(), now);
        }
        let changes = self.advance(&mut memory, now);
        self.update_ask_again(&mut memory, now);
        drop(memory);
        self.announce(changes);
    }

    fn count(&self, outcome: &Outcome, took: Option<Duration>) {
        self.counters.add(match outcome.class() {
            Class::Success => counter::SUCCESS,
            Class::Failure => counter::FAILURE,
            Class::Overloaded => counter::OVERLOADED,
            Class::Rejected => counter::REJECTED,
            _ => counter::IGNORED,
        });
        if took.is_some_and(|took| self.rules.is_slow(took)) {
            self.counters.add(counter::SLOW);
        }
        if outcome.is_failure() {
            self.last_failure.store(self.nanos_now(), Relaxed);
            self.failures_in_hour.record(true, 0, Instant::now);
        }
    }

    /// Whether calls that were given up on can count at all.
    pub(crate) fn notices_abandoned(&self) -> bool {
        self.abandoned_after.load(Relaxed) != NEVER
    }

    /// Whether a call that ran this long and was then given up on counts as a failure.
    pub(crate) fn abandoned(&self, ran: Duration) -> bool {
        nanos(ran) >= self.abandoned_after.load(Relaxed)
    }

    /// Whether how long a call took is asked for: only the rule for slow calls does, and it costs a clock read.
    #[inline]
    pub(crate) fn wants_duration(&self) -> bool {
        self.rules.times_calls()
    }
}
