//! Admission: one load while closed, no lock while refusing.

use std::{num::NonZeroU64, time::Duration};

use mainstay_core::{Reason, Rejected, nanos, ramp_share};
use tokio::time::Instant;

use super::{Locked, StateMachine};
use crate::{BreakerEvent, Mode, State, counters::Counter, word::Word};

/// The decision on one call.
pub(crate) enum Admission {
    /// The call passes, and its outcome is recorded.
    Pass {
        epoch: u64,
        lease: Option<NonZeroU64>,
        timed: bool,
    },
    /// The call passes, and its outcome is not recorded.
    Unrecorded,
    Refuse,
}

/// The longest `retry_after` of a half-open breaker: a lease may end at any time.
const HALF_OPEN_RETRY_AFTER: Duration = Duration::from_millis(500);

impl StateMachine {
    /// Returns whether a call would be refused at this time, which is read only if it decides. Takes no permit.
    pub(crate) fn refuses(&self, now: impl FnOnce() -> Instant) -> bool {
        let word = self.word.load();
        match (word.mode(), word.state()) {
            (Mode::ForcedOpen, _) => true,
            (Mode::Disabled | Mode::Shadow, _) | (_, State::Closed) => false,
            _ => nanos(self.since_start(now())) < self.refuses_until.load_nanos(),
        }
    }

    #[inline]
    pub(crate) fn admit(&self) -> Admission {
        let word = self.word.load();
        match word.admits_all() {
            true => Admission::Pass { epoch: word.epoch(), lease: None, timed: word.is_timed() },
            false => self.admit_by_mode(word),
        }
    }

    fn admit_by_mode(&self, word: Word) -> Admission {
        let admission = match word.mode() {
            Mode::Disabled => return Admission::Unrecorded,
            Mode::ForcedOpen => Admission::Refuse,
            Mode::Normal | Mode::Shadow => match word.state() {
                State::Closed => self.admit_ramping(word),
                State::Open | State::HalfOpen => self.admit_recovering(),
            },
        };
        match admission {
            Admission::Refuse if word.mode() == Mode::Shadow => {
                self.counters.add(Counter::WouldHaveRefused);
                self.pace_trials();
                Admission::Unrecorded
            }
            Admission::Refuse => {
                self.count_refusal();
                Admission::Refuse
            }
            pass => pass,
        }
    }

    /// Admits a share of the calls that grows from 10 % to all over the ramp.
    fn admit_ramping(&self, word: Word) -> Admission {
        if word.is_ramping() {
            let elapsed = self.now().saturating_sub(self.changed_at.load());
            let share = ramp_share(nanos(elapsed), self.ramp.load_nanos());
            if share >= 1.0 {
                self.end_ramp(word.epoch());
            } else if self.random.unit() >= share {
                return Admission::Refuse;
            }
        }
        Admission::Pass { epoch: word.epoch(), lease: None, timed: word.is_timed() }
    }

    fn end_ramp(&self, epoch: u64) {
        let _locked = self.lock();
        let word = self.word.load();
        if word.epoch() == epoch {
            self.word.store(word.ramping(false));
        }
    }

    fn admit_recovering(&self) -> Admission {
        let now = Instant::now();
        if nanos(self.since_start(now)) < self.refuses_until.load_nanos() {
            return Admission::Refuse;
        }
        let mut locked = self.lock();
        let change = self.advance(&mut locked, now);
        let admission = self.admit_locked(&mut locked, now);
        drop(locked);
        self.announce(change);
        admission
    }

    fn admit_locked(&self, locked: &mut Locked, now: Instant) -> Admission {
        let word = self.word.load();
        let pass = |lease| Admission::Pass { epoch: word.epoch(), lease, timed: word.is_timed() };
        match word.state() {
            State::Closed => pass(None),
            State::Open => Admission::Refuse,
            State::HalfOpen => {
                let lease = locked.recovery.admit_trial(&locked.settings, locked.openings, now);
                if lease.is_some() {
                    self.pace.restart();
                }
                self.update_refuses_until(locked, now);
                lease.map_or(Admission::Refuse, |lease| pass(Some(lease)))
            }
        }
    }

    /// Counts a refusal that `poll_ready` found, and returns it.
    pub(crate) fn refuse(&self) -> Rejected {
        self.count_refusal();
        self.rejected()
    }

    fn count_refusal(&self) {
        self.counters.add(Counter::Refused);
        let event = || BreakerEvent::Refused { retry_after: self.retry_after(Instant::now) };
        self.in_store.events.send(&self.name, event);
        self.pace_trials();
    }

    /// Counts a refused call towards the next trial call, and makes that due if it is enough.
    fn pace_trials(&self) {
        if self.pace.count() {
            self.hasten_trial();
        }
    }

    #[cold]
    fn hasten_trial(&self) {
        let now = Instant::now();
        let mut locked = self.lock();
        let (word, recovery) = (self.word.load(), locked.settings.recovery);
        if word.mode() == Mode::ForcedOpen {
            return;
        }
        locked.recovery.hasten_trial(recovery, word.state(), now);
        self.open_until.store(self.since_start(locked.recovery.open_until));
        self.update_refuses_until(&locked, now);
        drop(locked);
        self.wake_watchers();
    }

    /// Returns the refusal, with the time after which a retry makes sense.
    pub(crate) fn rejected(&self) -> Rejected {
        Rejected::new(Reason::CircuitOpen, self.name.clone()).with_retry_after(self.retry_after(Instant::now))
    }

    /// Returns the time after which a retry makes sense; `None` if only an operator can end the refusals.
    pub(crate) fn retry_after(&self, now: impl FnOnce() -> Instant) -> Option<Duration> {
        let word = self.word.load();
        if word.mode() == Mode::ForcedOpen {
            return None;
        }
        let (now, shortest) = (self.since_start(now()), Duration::from_millis(10));
        Some(match word.state() {
            State::Open => self.open_until.load().saturating_sub(now).max(shortest),
            _ => {
                let left = self.refuses_until.load().map_or(Duration::MAX, |until| until.saturating_sub(now));
                left.clamp(shortest, HALF_OPEN_RETRY_AFTER)
            }
        })
    }

    /// Returns the time at which the state may change without an event.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        self.refuses_until.load().map(|until| self.start + until)
    }
}
