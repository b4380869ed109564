//! The state of one endpoint: whether it is usable, what second attempts at it may spend, how fast it answers.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU64,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use mainstay_circuit_breaker::{Breaker, State};
use mainstay_core::{Budget, InvalidSetting, Name};

use crate::{
    active::Active,
    endpoint::EndpointInfo,
    latency::Latency,
    permit::{Candidate, EndpointPermit},
    selector::EndpointView,
    settings::FailoverSettings,
};

#[derive(Debug)]
pub(crate) struct EndpointState {
    pub(crate) name: Name,
    pub(crate) url: Option<Arc<str>>,
    pub(crate) is_probed: bool,
    /// Decides when the endpoint is left (its rules) and when it is usable again (its recovery).
    pub(crate) breaker: Breaker,
    /// The budget of second attempts at this endpoint.
    pub(crate) budget: Budget,
    pub(crate) latency: Latency,
    /// Whether the newest probe round succeeded.
    pub(crate) good_probe: AtomicBool,
    /// The breaker's epoch and, in the two lowest bits, its state, as of the last [`refresh`](Self::refresh). Reading
    /// the state of a breaker that is not closed takes its lock.
    seen: AtomicU64,
}

// === impl EndpointState ===

impl EndpointState {
    pub(crate) fn new(info: &EndpointInfo, settings: &FailoverSettings) -> Result<Self, InvalidSetting> {
        let is_probed = info.probe.is_some();
        Ok(Self {
            name: info.name.clone(),
            url: info.url.clone(),
            is_probed,
            breaker: Breaker::with_settings(&info.name, settings.breaker(is_probed))?,
            budget: Budget::with_settings(settings.budget())?,
            latency: Latency::default(),
            good_probe: AtomicBool::new(false),
            seen: AtomicU64::new(State::Closed as u64),
        })
    }

    /// Copies the breaker's state. An older state never overwrites a newer one, because epochs only grow.
    pub(crate) fn refresh(&self) {
        loop {
            let epoch = self.breaker.epoch();
            let state = self.breaker.state();
            // Reading the state may have changed it.
            if self.breaker.epoch() == epoch {
                self.seen.fetch_max((epoch << 2) | state as u64, AcqRel);
                return;
            }
        }
    }

    /// Returns the breaker's epoch as of the last [`refresh`](Self::refresh).
    pub(crate) fn seen_epoch(&self) -> u64 {
        self.seen.load(Acquire) >> 2
    }

    #[inline]
    fn was(&self, state: State) -> bool {
        self.seen.load(Acquire) & 0b11 == state as u64
    }

    pub(crate) fn active(&self, index: usize) -> Active {
        Active { index, epoch: self.breaker.epoch(), name: self.name.clone(), url: self.url.clone() }
    }

    /// Returns a permit: at a usable endpoint nothing is taken, otherwise a trial call, if one is free.
    pub(crate) fn acquire(&self, index: usize) -> Option<EndpointPermit> {
        match self.breaker.state() {
            State::Closed => Some(EndpointPermit { index, epoch: self.breaker.epoch(), trial: None }),
            State::Open => None,
            State::HalfOpen => {
                let permit = self.breaker.try_acquire().ok()?;
                Some(EndpointPermit { index, epoch: permit.epoch()?, trial: Some(Box::new(permit)) })
            }
        }
    }

    /// Returns a permit whatever the endpoint's state.
    pub(crate) fn acquire_unconditionally(&self, index: usize) -> EndpointPermit {
        self.acquire(index).unwrap_or_else(|| EndpointPermit { index, epoch: self.breaker.epoch(), trial: None })
    }

    /// Returns a permit for a candidate, unless the endpoint's state has changed since it was found.
    pub(crate) fn acquire_for(&self, candidate: Candidate) -> Option<EndpointPermit> {
        let Candidate { index, epoch, unconditional, usable } = candidate;
        match self.breaker.epoch() == epoch {
            false => None,
            true if usable => Some(EndpointPermit { index, epoch, trial: None }),
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
    fn admits(&self) -> bool {
        self.is_usable() || (self.was(State::HalfOpen) && self.breaker.refusal().is_none())
    }

    #[inline]
    fn admits_second_attempt(&self) -> bool {
        self.is_usable() || (!self.is_probed && self.breaker.refusal().is_none())
    }

    fn has_good_probe(&self) -> bool {
        self.good_probe.load(Relaxed)
    }
}
