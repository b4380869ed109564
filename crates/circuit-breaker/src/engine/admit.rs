//! Asking: one load while closed, no lock while refusing.

use std::{num::NonZeroU64, time::Duration};

use mainstay_core::{Reason, Rejected};
use portable_atomic::Ordering::Relaxed;
use tokio::time::Instant;

use super::{Engine, Memory, NEVER, counter};
use crate::{Mode, Recovery, State, state::Word};

/// The answer to a call that asks to pass.
pub(crate) enum Admission {
    Pass {
        epoch: u64,
        lease: Option<NonZeroU64>,
        timed: bool,
    },
    /// Passes, and its outcome is not recorded.
    Unrecorded,
    Refuse,
}

/// A half-open breaker suggests to come back after at most this: a lease may end at any time.
const HALF_OPEN_HINT: Duration = Duration::from_millis(500);

impl Engine {
    /// Whether a call would be refused now. Looks, and takes nothing.
    pub(crate) fn refuses(&self) -> bool {
        let word = self.word.load();
        match (word.mode(), word.state()) {
            (Mode::ForcedOpen, _) => true,
            (Mode::Disabled | Mode::Shadow, _) | (_, State::Closed) => false,
            _ => self.nanos_now() < self.ask_again.load(Relaxed),
        }
    }

    #[inline]
    pub(crate) fn admit(&self) -> Admission {
        let word = self.word.load();
        match word.passes() {
            true => Admission::Pass { epoch: word.epoch(), lease: None, timed: word.is_timed() },
            false => self.admit_by(word),
        }
    }

    fn admit_by(&self, word: Word) -> Admission {
        let admission = match word.mode() {
            Mode::Disabled => return Admission::Unrecorded,
            Mode::ForcedOpen => Admission::Refuse,
            Mode::Normal | Mode::Shadow => match word.state() {
                State::Closed => self.admit_closed(word),
                State::Open | State::HalfOpen => self.admit_recovering(),
            },
        };
        match admission {
            Admission::Refuse if word.mode() == Mode::Shadow => {
                self.counters.add(counter::WOULD_REFUSE);
                Admission::Unrecorded
            }
            Admission::Refuse => {
                self.counters.add(counter::REFUSED);
                Admission::Refuse
            }
            pass => pass,
        }
    }

    fn admit_closed(&self, word: Word) -> Admission {
        if word.is_ramping() {
            let elapsed = self.nanos_now().saturating_sub(self.closed_at.load(Relaxed)) as f64;
            let share = 0.1 + 0.9 * elapsed / self.ramp.load(Relaxed).max(1) as f64;
            if share >= 1.0 {
                self.end_ramp(word.epoch());
            } else if self.random.unit() >= share {
                return Admission::Refuse;
            }
        }
        Admission::Pass { epoch: word.epoch(), lease: None, timed: word.is_timed() }
    }

    fn end_ramp(&self, epoch: u64) {
        let _memory = self.lock();
        let word = self.word.load();
        if word.epoch() == epoch {
            self.word.store(word.ramping(false));
        }
    }

    fn admit_recovering(&self) -> Admission {
        let now = Instant::now();
        if self.nanos(now) < self.ask_again.load(Relaxed) {
            return Admission::Refuse;
        }
        let mut memory = self.lock();
        let advanced = self.advance(&mut memory, now);
        let admission = self.admit_advanced(&mut memory, now);
        drop(memory);
        self.announce(advanced);
        admission
    }

    fn admit_advanced(&self, memory: &mut Memory, now: Instant) -> Admission {
        let word = self.word.load();
        let pass = |lease| Admission::Pass { epoch: word.epoch(), lease, timed: word.is_timed() };
        match (word.state(), memory.settings.recovery) {
            (State::Closed, _) => pass(None),
            (State::HalfOpen, Recovery::Trials { permits, lease, .. }) => {
                let lease = memory.trials.lease(permits, lease, now);
                self.update_ask_again(memory, now);
                lease.map_or(Admission::Refuse, |lease| pass(Some(lease)))
            }
            _ => Admission::Refuse,
        }
    }

    /// Counts a refusal that `poll_ready` found, and gives it.
    pub(crate) fn refuse(&self) -> Rejected {
        self.counters.add(counter::REFUSED);
        self.rejected()
    }

    /// The refusal, with the time until asking again makes sense.
    pub(crate) fn rejected(&self) -> Rejected {
        Rejected::new(Reason::CircuitOpen, self.name.clone()).with_retry_after(self.retry_after())
    }

    fn retry_after(&self) -> Option<Duration> {
        let word = self.word.load();
        if word.mode() == Mode::ForcedOpen {
            return None;
        }
        let now = self.nanos_now();
        let left = |until: u64| Duration::from_nanos(until.saturating_sub(now));
        Some(match word.state() {
            State::Open => left(self.until.load(Relaxed)).max(Duration::from_millis(10)),
            _ => left(self.ask_again.load(Relaxed)).clamp(Duration::from_millis(10), HALF_OPEN_HINT),
        })
    }

    /// When the state may change by itself.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        match self.ask_again.load(Relaxed) {
            NEVER => None,
            nanos => Some(self.start + Duration::from_nanos(nanos)),
        }
    }
}
