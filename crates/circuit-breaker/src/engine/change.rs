//! Changing state. The lock is held while it changes, and free again when the world is told.

use std::time::Duration;

use mainstay_core::Level;
use portable_atomic::Ordering::Relaxed;
use tokio::time::Instant;

use super::{Engine, Memory, NEVER};
use crate::{
    Actor, Mode, Recovery, State, Transition,
    state::Word,
    trials::{Gate, Shown, Trials},
};

impl Engine {
    /// Brings the state up to this time.
    pub(crate) fn advance(&self, memory: &mut Memory, now: Instant) -> Option<Transition> {
        let word = self.word.load();
        if word.mode() == Mode::ForcedOpen {
            return None;
        }
        match (word.state(), memory.settings.recovery) {
            (State::Open, Recovery::Trials { .. }) if now >= memory.until => {
                let reason = "the open time has passed: trial calls".to_owned();
                Some(self.change(memory, now, (State::HalfOpen, word.mode()), reason, Actor::Rules))
            }
            (State::Open, Recovery::Probes { successes, fresh_for }) => {
                let returns = now >= memory.until && memory.gate.is_open(successes, fresh_for, now);
                let reason = format!("{} probes succeeded in a row and the hold has passed", memory.gate.row);
                let change =
                    returns.then(|| self.change(memory, now, (State::Closed, word.mode()), reason, Actor::Rules));
                self.update_ask_again(memory, now);
                change
            }
            (State::HalfOpen, _) if memory.trials.expire(now) => self.judge(memory, now, None),
            _ => None,
        }
    }

    pub(super) fn judge(&self, memory: &mut Memory, now: Instant, retry_after: Option<Duration>) -> Option<Transition> {
        let Recovery::Trials { criteria, .. } = memory.settings.recovery else { return None };
        let (successes, failures) = (memory.trials.successes, memory.trials.failures);
        let mode = self.word.load().mode();
        match memory.trials.shown(criteria) {
            Shown::Nothing => None,
            Shown::Recovered => {
                let reason = format!("{successes} trial calls succeeded");
                Some(self.change(memory, now, (State::Closed, mode), reason, Actor::Rules))
            }
            Shown::Failing => {
                let reason = format!("{failures} of {} trial calls failed", successes + failures);
                Some(self.change_to_open(memory, now, mode, reason, Actor::Rules, retry_after))
            }
        }
    }

    /// Opens, if this is still the epoch: of many threads that fire, one opens.
    pub(crate) fn open(&self, epoch: u64, reason: String, retry_after: Option<Duration>) {
        let mut memory = self.lock();
        let word = self.word.load();
        if word.epoch() != epoch || word.state() == State::Open {
            return;
        }
        let now = Instant::now();
        let change = self.change_to_open(&mut memory, now, word.mode(), reason, Actor::Rules, retry_after);
        drop(memory);
        self.announce(Some(change));
    }

    pub(crate) fn change_to_open(
        &self,
        memory: &mut Memory,
        now: Instant,
        mode: Mode,
        reason: String,
        actor: Actor,
        retry_after: Option<Duration>,
    ) -> Transition {
        let open = memory.settings.open;
        if self.word.load().state() == State::Closed {
            let healthy = now.saturating_duration_since(memory.since).as_nanos() / open.decay.as_nanos().max(1);
            memory.openings = memory.openings.saturating_sub(healthy.try_into().unwrap_or(u32::MAX));
        }
        memory.openings = memory.openings.saturating_add(1);
        let jitter = self.random.between(1.0 - open.jitter, 1.0 + open.jitter);
        // A server may ask for more, but not for an hour because of one answer.
        let asked = retry_after.unwrap_or_default().min(open.max.saturating_mul(10));
        memory.until = now + open.time(memory.openings).mul_f64(jitter).max(asked);
        self.change(memory, now, (State::Open, mode), reason, actor)
    }

    pub(crate) fn change(
        &self,
        memory: &mut Memory,
        now: Instant,
        (to, mode): (State, Mode),
        reason: String,
        actor: Actor,
    ) -> Transition {
        let before = self.word.load();
        let epoch = before.epoch() + 1;
        let open_for =
            (to == State::Open && mode != Mode::ForcedOpen).then(|| memory.until.saturating_duration_since(now));
        let transition = Transition {
            sequence: memory.log.next_sequence(),
            at: now,
            from: before.state(),
            to,
            mode,
            reason,
            actor,
            open_for,
            spent: now.saturating_duration_since(memory.since),
        };
        memory.log.push(transition.clone());
        memory.since = now;
        (memory.trials, memory.gate) = (Trials::default(), Gate::default());
        self.rules.reset(epoch);
        self.until.store(self.nanos(memory.until), Relaxed);
        self.closed_at.store(self.nanos(now), Relaxed);
        let ramps = to == State::Closed && before.state() != State::Closed && self.ramp.load(Relaxed) > 0;
        self.word.store(Word::new(epoch, to, mode).timed(before.is_timed()).ramping(ramps));
        self.update_ask_again(memory, now);
        transition
    }

    pub(super) fn update_ask_again(&self, memory: &mut Memory, now: Instant) {
        let at = match (self.word.load().state(), memory.settings.recovery) {
            (State::Closed, _) => 0,
            (State::Open, Recovery::Trials { .. }) => self.nanos(memory.until),
            (State::Open, Recovery::Probes { successes, fresh_for }) => {
                let then = now.max(memory.until);
                if memory.gate.is_open(successes, fresh_for, then) { self.nanos(then) } else { NEVER }
            }
            (State::HalfOpen, Recovery::Trials { permits, .. }) if memory.trials.in_flight() >= permits as usize => {
                memory.trials.next_deadline().map_or(0, |deadline| self.nanos(deadline))
            }
            (State::HalfOpen, _) => 0,
        };
        self.ask_again.store(at, Relaxed);
    }

    /// Tells the world, outside the lock. Whoever comes last publishes the newest state.
    pub(crate) fn announce(&self, change: Option<Transition>) {
        let Some(change) = change else { return };
        let name = &*self.name;
        let Transition { from, to, mode, reason, actor, open_for, .. } = &change;
        match (to, mode) {
            (State::Open, Mode::Normal) => tracing::warn!(name, %from, %to, reason, ?open_for, "circuit opened"),
            _ => tracing::info!(name, %from, %to, %mode, reason, %actor, "circuit changed"),
        }
        let word = self.word.load();
        let level = match (word.mode(), word.state()) {
            (Mode::Normal | Mode::ForcedOpen, State::Open) => Level::Unhealthy,
            (Mode::Normal, State::HalfOpen) | (Mode::Disabled, _) => Level::Degraded,
            _ => Level::Healthy,
        };
        let reason = if level == Level::Healthy { "" } else { reason };
        self.status.publish(level, reason);
        self.watch.send_modify(|state| *state = self.word.load().state());
    }
}
