//! The state machine.
//!
//! Asking a closed breaker is one load of the word; recording into it touches only its windows. Everything else,
//! the rare things, happens under one lock that is never held across an await, a callback or a log line. Refusing
//! takes no lock either: `ask_again` says until when the answer can only be no.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mainstay_core::{Class, Counters, Level, Name, Outcome, Random, Reason, Rejected, Status, StatusSender, Window};
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tokio::{sync::watch, time::Instant};

use crate::{
    Actor, BreakerSettings, Mode, Recovery, State, Transition,
    rules::Rules,
    state::{AtomicWord, Word},
    transition::Log,
    trials::{Gate, Shown, Trials},
};

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) name: Name,
    pub(crate) word: AtomicWord,
    pub(crate) rules: Rules,
    pub(crate) counters: Counters<COUNTERS>,
    pub(crate) failures_in_hour: Window,
    pub(crate) status: StatusSender,
    pub(crate) watch: watch::Sender<State>,
    start: Instant,
    random: Random,
    /// Before this the answer of an open or full half-open breaker can't change by itself.
    ask_again: AtomicU64,
    /// When the open time ends.
    until: AtomicU64,
    /// When it closed, for the ramp.
    closed_at: AtomicU64,
    ramp: AtomicU64,
    abandoned_after: AtomicU64,
    last_failure: AtomicU64,
    memory: Mutex<Memory>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) settings: BreakerSettings,
    pub(crate) since: Instant,
    pub(crate) openings: u32,
    pub(crate) until: Instant,
    pub(crate) trials: Trials,
    pub(crate) gate: Gate,
    pub(crate) log: Log,
}

/// The answer to a call that asks to pass.
pub(crate) enum Admission {
    Pass {
        epoch: u64,
        lease: Option<u64>,
        timed: bool,
    },
    /// Passes, and its outcome is not recorded.
    Unrecorded,
    Refuse,
}

/// The counters' places.
pub(crate) mod counter {
    pub(crate) const SUCCESS: usize = 0;
    pub(crate) const FAILURE: usize = 1;
    pub(crate) const OVERLOADED: usize = 2;
    pub(crate) const REJECTED: usize = 3;
    pub(crate) const IGNORED: usize = 4;
    pub(crate) const SLOW: usize = 5;
    pub(crate) const REFUSED: usize = 6;
    pub(crate) const ABANDONED: usize = 7;
    pub(crate) const LATE: usize = 8;
    pub(crate) const WOULD_REFUSE: usize = 9;
}
pub(crate) const COUNTERS: usize = 10;

const NEVER: u64 = u64::MAX;

/// A half-open breaker suggests to come back after at most this: a lease may end at any time.
const HALF_OPEN_HINT: Duration = Duration::from_millis(500);

impl Engine {
    pub(crate) fn new(name: Name, settings: BreakerSettings, counters: Counters<COUNTERS>) -> Self {
        let now = Instant::now();
        let engine = Self {
            name,
            word: AtomicWord::new(Word::new(0, State::Closed, Mode::Normal)),
            rules: Rules::new(&settings),
            counters,
            failures_in_hour: Window::last_in_slices(Duration::from_secs(3600), 12),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            watch: watch::Sender::new(State::Closed),
            start: now,
            random: Random::new(),
            ask_again: AtomicU64::new(0),
            until: AtomicU64::new(0),
            closed_at: AtomicU64::new(0),
            ramp: AtomicU64::new(0),
            abandoned_after: AtomicU64::new(NEVER),
            last_failure: AtomicU64::new(NEVER),
            memory: Mutex::new(Memory {
                settings,
                since: now,
                openings: 0,
                until: now,
                trials: Trials::default(),
                gate: Gate::default(),
                log: Log::default(),
            }),
        };
        engine.configure(&mut engine.lock());
        engine
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the settings into the atomics that calls read.
    pub(crate) fn configure(&self, memory: &mut Memory) {
        let settings = &memory.settings;
        self.rules.configure(settings);
        self.ramp.store(settings.ramp.map_or(0, nanos), Relaxed);
        self.abandoned_after.store(settings.abandoned_after.map_or(NEVER, nanos), Relaxed);
        self.word.store(self.word.load().timed(settings.abandoned_after.is_some() || settings.slow_calls.is_some()));
        self.update_ask_again(memory, Instant::now());
    }

    // --- asking ---

    /// Whether a call would be refused now. Looks, and takes nothing.
    pub(crate) fn refuses(&self) -> bool {
        let word = self.word.load();
        match (word.mode(), word.state()) {
            (Mode::ForcedOpen, _) => true,
            (Mode::Disabled | Mode::Shadow, _) | (_, State::Closed) => false,
            _ => self.nanos_now() < self.ask_again.load(Relaxed),
        }
    }

    pub(crate) fn admit(&self) -> Admission {
        let word = self.word.load();
        if word.passes() {
            return Admission::Pass { epoch: word.epoch(), lease: None, timed: word.is_timed() };
        }
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

    // --- recording ---

    /// The outcome of a call that was admitted in this epoch.
    pub(crate) fn settle(&self, epoch: u64, lease: Option<u64>, outcome: &Outcome, took: Option<Duration>) {
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
            State::HalfOpen => self.settle_trial(epoch, lease, outcome),
            State::Open => {}
        }
    }

    fn settle_trial(&self, epoch: u64, lease: Option<u64>, outcome: &Outcome) {
        let now = Instant::now();
        let mut memory = self.lock();
        let mut changes = self.advance(&mut memory, now);
        let in_time = lease.is_none_or(|lease| memory.trials.give_back(lease));
        if self.word.load().epoch() == epoch && in_time {
            match outcome.is_success() {
                true => memory.trials.successes += 1,
                false => memory.trials.failures += 1,
            }
            changes = changes.or(self.judge(&mut memory, now, outcome.repeat().after()));
        }
        self.update_ask_again(&mut memory, now);
        drop(memory);
        self.announce(changes);
    }

    /// A lease whose call said nothing about the dependency.
    pub(crate) fn give_back(&self, epoch: u64, lease: Option<u64>) {
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

    /// Whether a call that ran this long and was then given up on counts as a failure.
    pub(crate) fn abandoned(&self, ran: Duration) -> bool {
        nanos(ran) >= self.abandoned_after.load(Relaxed)
    }

    /// Whether how long a call took is asked for: only the rule for slow calls does, and it costs a clock read.
    pub(crate) fn wants_duration(&self) -> bool {
        self.rules.times_calls()
    }

    // --- changing state; the lock is held ---

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
            (State::HalfOpen, _) if memory.trials.expire(now) > 0 => self.judge(memory, now, None),
            _ => None,
        }
    }

    fn judge(&self, memory: &mut Memory, now: Instant, retry_after: Option<Duration>) -> Option<Transition> {
        let Recovery::Trials { verdict, .. } = memory.settings.recovery else { return None };
        let (successes, failures) = (memory.trials.successes, memory.trials.failures);
        let mode = self.word.load().mode();
        match memory.trials.shown(verdict) {
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

    fn update_ask_again(&self, memory: &mut Memory, now: Instant) {
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

    // --- time ---

    pub(crate) fn since_last_failure(&self) -> Option<Duration> {
        match self.last_failure.load(Relaxed) {
            NEVER => None,
            at => Some(Duration::from_nanos(self.nanos_now().saturating_sub(at))),
        }
    }

    fn nanos_now(&self) -> u64 {
        self.nanos(Instant::now())
    }

    fn nanos(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start))
    }
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(NEVER)
}
