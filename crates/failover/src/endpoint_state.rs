//! The state of one endpoint: whether it is usable, what counts against it, what second attempts at it may spend, how
//! fast it answers.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use mainstay_circuit_breaker::{Breaker, State};
use mainstay_core::{Budget, InvalidSetting, Name};

use crate::{
    address::Address,
    answers::Answers,
    ask::Ask,
    endpoint::EndpointInfo,
    latency::Latency,
    newest::Newest,
    overdue::Overdue,
    permit::{Candidate, EndpointPermit},
    recent_kinds::RecentKinds,
    selector::{EndpointView, News},
    settings::FailoverSettings,
    signals::Signals,
};

#[derive(Debug)]
pub(crate) struct EndpointState {
    pub(crate) name: Name,
    pub(crate) url: Option<Address>,
    pub(crate) is_probed: bool,
    /// Holds the state, and decides when the endpoint is usable again. Its rules open nothing.
    pub(crate) breaker: Breaker,
    /// Decides when the endpoint is left.
    pub(crate) signals: Signals,
    /// The kinds of the newest failures since the endpoint's state has changed.
    pub(crate) kinds: RecentKinds,
    /// The probe that the signals ask for.
    pub(crate) ask: Ask,
    /// Whether requests say that the endpoint should be left although it is the last usable one.
    pub(crate) is_condemned: AtomicBool,
    /// The requests that wait past the delay, without a second attempt.
    pub(crate) overdue: Overdue,
    /// The budget of second attempts at this endpoint.
    pub(crate) budget: Budget,
    pub(crate) latency: Latency,
    /// The durations of its last answers.
    pub(crate) answers: Answers,
    /// What requests and probes say of it while no endpoint is usable.
    pub(crate) newest: Newest,
    /// The breaker's epoch and, in the two lowest bits, its state, as of the last [`refresh`](Self::refresh). Reading
    /// the state of a breaker that is not closed takes its lock.
    seen: AtomicU64,
}

// === impl EndpointState ===

impl EndpointState {
    pub(crate) fn new(
        info: &EndpointInfo,
        settings: &FailoverSettings,
        is_alone: bool,
    ) -> Result<Self, InvalidSetting> {
        let is_probed = info.probe.is_some();
        Ok(Self {
            name: info.name.clone(),
            url: info.url.clone(),
            is_probed,
            breaker: Breaker::with_settings(&info.name, settings.breaker(is_probed, is_alone))?,
            signals: Signals::new(settings.window),
            kinds: RecentKinds::default(),
            ask: Ask::default(),
            is_condemned: AtomicBool::default(),
            overdue: Overdue::default(),
            budget: Budget::with_settings(settings.budget())?,
            latency: Latency::default(),
            answers: Answers::default(),
            newest: Newest::default(),
            seen: AtomicU64::new(State::Closed as u64),
        })
    }

    /// Copies the breaker's state. An older state never overwrites a newer one, because epochs only grow. With a new
    /// state the signals begin again.
    pub(crate) fn refresh(&self) {
        loop {
            let epoch = self.breaker.epoch();
            let state = self.breaker.state();
            // Reading the state may have changed it.
            if self.breaker.epoch() == epoch {
                return self.see(epoch, state);
            }
        }
    }

    /// Notes the breaker's state in this epoch.
    pub(crate) fn see(&self, epoch: u64, state: State) {
        let now = (epoch << 2) | state as u64;
        let before = self.seen.fetch_max(now, AcqRel);
        if before >= now {
            return;
        }
        if before & 0b11 == State::Closed as u64 {
            self.newest.leave();
        }
        self.signals.reset(epoch as u16);
        self.answers.reset();
        self.kinds.reset();
        self.is_condemned.store(false, Relaxed);
        self.ask.end();
        if state != State::Closed {
            // A success while the endpoint is not usable is news.
            self.signals.mark();
        }
    }

    /// Returns the breaker's epoch as of the last [`refresh`](Self::refresh).
    pub(crate) fn seen_epoch(&self) -> u64 {
        self.seen.load(Acquire) >> 2
    }

    /// Returns the breaker's epoch if the endpoint is usable.
    pub(crate) fn usable_epoch(&self) -> Option<u64> {
        let seen = self.seen.load(Acquire);
        (seen & 0b11 == State::Closed as u64).then_some(seen >> 2)
    }

    #[inline]
    fn was(&self, state: State) -> bool {
        self.seen.load(Acquire) & 0b11 == state as u64
    }

    /// Whether the endpoint was left and gets no request, a trial request included.
    pub(crate) fn is_open(&self) -> bool {
        self.was(State::Open)
    }

    /// Returns a permit of this epoch that takes nothing.
    #[inline]
    fn permit(&self, index: usize, epoch: u64) -> EndpointPermit {
        EndpointPermit { index, epoch, period: self.ask.period(), trial: None }
    }

    /// Returns a permit: at a usable endpoint nothing is taken, otherwise a trial call, if one is free.
    pub(crate) fn acquire(&self, index: usize) -> Option<EndpointPermit> {
        match self.breaker.state() {
            State::Closed => Some(self.permit(index, self.breaker.epoch())),
            State::Open => None,
            State::HalfOpen => {
                let trial = self.breaker.try_acquire().ok()?;
                let permit = self.permit(index, trial.epoch()?);
                Some(EndpointPermit { trial: Some(Box::new(trial)), ..permit })
            }
        }
    }

    /// Returns a permit for a second attempt, which may also go to an endpoint in its hold whose probe is good.
    pub(crate) fn acquire_second(&self, index: usize) -> Option<EndpointPermit> {
        self.acquire(index).or_else(|| self.is_held_with_good_probe().then(|| self.permit(index, self.breaker.epoch())))
    }

    /// Returns a permit whatever the endpoint's state.
    pub(crate) fn acquire_unconditionally(&self, index: usize) -> EndpointPermit {
        self.acquire(index).unwrap_or_else(|| self.permit(index, self.breaker.epoch()))
    }

    /// Whether only the hold keeps the endpoint from being used: it has its good probes.
    pub(crate) fn has_recovered_but_for_its_hold(&self) -> bool {
        let snapshot = self.breaker.snapshot();
        let is_held = snapshot.open_left.is_some_and(|left| !left.is_zero());
        is_held && snapshot.recovery.is_some_and(|recovery| recovery.have >= recovery.need)
    }

    /// Whether the newest probe was good.
    pub(crate) fn has_good_probe(&self) -> bool {
        self.newest.has_good_probe()
    }

    /// Whether the endpoint is in its hold, and its newest probe is good and newer than its newest failure.
    fn is_held_with_good_probe(&self) -> bool {
        self.is_probed && !self.is_usable() && self.newest.is_good_probe()
    }

    /// Returns a permit for a candidate, unless the endpoint's state has changed since it was found.
    pub(crate) fn acquire_for(&self, candidate: Candidate) -> Option<EndpointPermit> {
        let Candidate { index, epoch, unconditional, usable } = candidate;
        match self.breaker.epoch() == epoch {
            false => None,
            true if usable => Some(self.permit(index, epoch)),
            true if unconditional => Some(self.acquire_unconditionally(index)),
            true => self.acquire(index),
        }
    }
}

impl EndpointView for EndpointState {
    #[inline]
    fn is_usable(&self) -> bool {
        self.was(State::Closed)
    }

    #[inline]
    fn is_suspended(&self) -> bool {
        self.ask.is_suspended()
    }

    #[inline]
    fn admits(&self) -> bool {
        self.is_usable() || (self.was(State::HalfOpen) && self.breaker.refusal().is_none())
    }

    fn admits_second_attempt(&self) -> bool {
        match self.is_usable() {
            true => !self.is_suspended(),
            false if self.is_probed => self.is_held_with_good_probe(),
            false => self.breaker.refusal().is_none(),
        }
    }

    fn news(&self) -> News {
        self.newest.news()
    }
}
