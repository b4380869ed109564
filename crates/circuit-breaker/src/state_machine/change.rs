//! Changes of state. A change is made under the lock; it is logged and published after the lock is released.

use std::time::Duration;

use mainstay_core::Level;
use tokio::time::Instant;

use super::{Locked, StateMachine};
use crate::{
    Actor, BreakerEvent, Mode, Recovery, State, Transition, probe_streak::ProbeStreak, recovery_state::RecoveryState,
    word::Word,
};

impl StateMachine {
    /// Makes the change of state that the passing of time has made due.
    pub(crate) fn advance(&self, locked: &mut Locked, now: Instant) -> Option<Transition> {
        let word = self.word.load();
        if word.mode() == Mode::ForcedOpen {
            return None;
        }
        let due = locked.recovery.due(locked.settings.recovery, word.state(), now);
        let change = due.map(|(to, reason)| self.change_by_rules(locked, now, to, reason, None));
        self.update_refuses_until(locked, now);
        change
    }

    /// Opens, unless the epoch has passed: of several threads that see a threshold reached, one opens.
    pub(crate) fn open(&self, epoch: u64, reason: String, retry_after: Option<Duration>) {
        let change = self.begin_open(epoch, reason, retry_after);
        self.announce(change);
    }

    /// Does the same as [`open`](Self::open), and leaves the announcement to the caller.
    pub(crate) fn begin_open(&self, epoch: u64, reason: String, retry_after: Option<Duration>) -> Option<Transition> {
        let mut locked = self.lock();
        let word = self.word.load();
        let opens = word.epoch() == epoch && word.state() != State::Open;
        opens.then(|| self.change_by_rules(&mut locked, Instant::now(), State::Open, reason, retry_after))
    }

    /// Opens in any epoch. An open breaker stays as it is, and forgets the probes that succeeded.
    pub(crate) fn trip(&self, reason: String) {
        let mut locked = self.lock();
        let change = match self.word.load().state() {
            State::Open => {
                locked.recovery.probes = ProbeStreak::default();
                None
            }
            _ => Some(self.change_by_rules(&mut locked, Instant::now(), State::Open, reason, None)),
        };
        drop(locked);
        self.announce(change);
    }

    /// Ends the open time if nothing else keeps the breaker open, as probes that are not fresh any more do. The open time
    /// goes on otherwise.
    pub(crate) fn end_open_time(&self) {
        let now = Instant::now();
        let mut locked = self.lock();
        let change = match self.word.load().state() {
            State::Open => {
                let (open_until, is_waived) = (locked.recovery.open_until, locked.recovery.is_waived);
                locked.recovery.is_waived |= open_until > now;
                locked.recovery.open_until = open_until.min(now);
                let change = self.advance(&mut locked, now);
                if change.is_none() {
                    (locked.recovery.open_until, locked.recovery.is_waived) = (open_until, is_waived);
                    self.update_refuses_until(&locked, now);
                }
                self.open_until.store(self.since_start(locked.recovery.open_until));
                change
            }
            _ => None,
        };
        drop(locked);
        self.announce(change);
    }

    /// Changes the state in the current mode. A change to open counts an opening and sets its length.
    pub(super) fn change_by_rules(
        &self,
        locked: &mut Locked,
        now: Instant,
        to: State,
        reason: String,
        retry_after: Option<Duration>,
    ) -> Transition {
        let word = self.word.load();
        let by_probes = matches!(locked.settings.recovery, Recovery::Probes { .. }) && word.state() == State::HalfOpen;
        if to == State::Open && !by_probes {
            let open = locked.settings.open;
            locked.openings = locked.openings_at(now, word.state()).saturating_add(1);
            let jitter = self.random.between(1.0 - open.jitter, 1.0 + open.jitter);
            // One response must not keep the breaker open for an hour.
            let asked = retry_after.unwrap_or_default().min(open.max.saturating_mul(10));
            locked.recovery.is_waived = false;
            locked.recovery.open_until = now + open.time(locked.openings).mul_f64(jitter).max(asked);
            locked.recovery.trial_from = match word.state() {
                // `base` after the last trial call, however long that took to fail.
                State::HalfOpen => locked.recovery.trial_from.max(now + asked),
                _ => now + open.base.mul_f64(jitter).max(asked),
            };
            if word.state() == State::HalfOpen && self.pace.is_due() {
                locked.recovery.open_until = locked.recovery.open_until.min(locked.recovery.trial_from);
            }
        }
        self.change(locked, now, (to, word.mode()), reason, Actor::Rules)
    }

    /// Changes state and mode: begins an epoch with empty windows, and logs the transition.
    pub(crate) fn change(
        &self,
        locked: &mut Locked,
        now: Instant,
        (to, mode): (State, Mode),
        reason: String,
        actor: Actor,
    ) -> Transition {
        let before = self.word.load();
        let epoch = before.epoch() + 1;
        if to != State::Open {
            // Kept, because the time of the last change is the origin of the decay.
            locked.openings = locked.openings_at(now, before.state());
        }
        let open_until = locked.recovery.open_until;
        let open = to == State::Open && mode != Mode::ForcedOpen;
        let open_for = open.then(|| open_until.saturating_duration_since(now));
        let from = before.state();
        let entry = |sequence, spent| Transition { sequence, at: now, from, to, mode, reason, actor, open_for, spent };
        let transition = locked.log.push(now, entry).clone();
        self.in_store.events.push(&self.name, || BreakerEvent::Changed(transition.clone()));
        locked.recovery = RecoveryState::new(open_until, locked.recovery.trial_from);
        // The calls that were refused during a failed trial call count towards the next one.
        if (from, to) != (State::HalfOpen, State::Open) {
            self.pace.restart();
        }
        self.rules.reset(epoch);
        self.open_until.store(self.since_start(open_until));
        self.changed_at.store(self.since_start(now));
        let ramps = to == State::Closed && from != State::Closed && !self.ramp.load().is_zero();
        let after = Word::new(epoch, to, mode).timed(before.is_timed()).ramping(ramps);
        self.word.store(after);
        self.in_store.record(before.level(), after.level());
        self.update_refuses_until(locked, now);
        transition
    }

    /// Logs and publishes a change, outside the lock. Status and watch end at the newest change, whichever thread
    /// publishes last.
    pub(crate) fn announce(&self, change: Option<Transition>) {
        let Some(change) = change else { return };
        self.in_store.events.send_queued();
        self.log(&change);
        self.publish(&change);
    }

    /// Publishes a change, outside the lock.
    pub(crate) fn publish(&self, change: &Transition) {
        self.in_store.events.send_queued();
        let Transition { sequence, to, mode, reason, .. } = change;
        let level = Word::new(0, *to, *mode).level();
        let reason = if level == Level::Healthy { "" } else { reason };
        self.status.publish_at(*sequence, level, reason);
        self.watch.send(*sequence, |state| {
            *state = *to;
            true
        });
        self.in_store.publish();
    }

    /// Logs the changes to open and to closed within the limit, those that an operator makes always, and the others at
    /// debug.
    fn log(&self, change: &Transition) {
        let name = &*self.name;
        let Transition { sequence, from, to, mode, reason, actor, open_for, at, .. } = change;
        let line = match (actor, from, to) {
            (Actor::Operator(_), ..) => Some(0),
            (_, State::Closed, State::Open) => self.in_store.log_limit.fault(*at),
            (_, _, State::Open) => self.in_store.log_limit.fault_lasts(*at),
            (_, _, State::Closed) => self.in_store.log_limit.recovery(),
            (_, _, State::HalfOpen) => None,
        };
        match (line, to, mode) {
            (None, ..) => tracing::debug!(name, sequence, %from, %to, %mode, reason, "circuit changed"),
            (Some(left_out), State::Open, Mode::Normal) => {
                tracing::warn!(name, sequence, %from, %to, reason, ?open_for, left_out, "circuit opened");
            }
            (Some(left_out), ..) => {
                tracing::info!(name, sequence, %from, %to, %mode, reason, %actor, left_out, "circuit changed");
            }
        }
    }

    /// Wakes the tasks that watch the state, which may now be admitted without a change of state.
    pub(crate) fn wake_watchers(&self) {
        self.watch.wake();
    }
}
