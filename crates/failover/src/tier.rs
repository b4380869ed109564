//! What a failover knows of one endpoint.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU64,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use mainstay_circuit_breaker::{Breaker, Permit, State};
use mainstay_core::{Budget, InvalidSetting};

use crate::{Active, FailoverSettings, endpoint::EndpointInfo, latency::Latency, probing::Probing};

/// One endpoint: its breaker (is it usable?), the budget of second attempts at it, and its probing.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) info: EndpointInfo,
    pub(crate) breaker: Breaker,
    pub(crate) budget: Budget,
    pub(crate) probing: Arc<Probing>,
    pub(crate) latency: Latency,
    /// No probe has answered yet: the first one decides.
    pub(crate) unprobed: AtomicBool,
    /// The breaker's epoch and, in the two lowest bits, its state, when the router last looked: to ask an breaker that is
    /// not closed takes its lock.
    state: AtomicU64,
    /// When traffic began to return, in nanoseconds since the router's start; [`NO_RAMP`] without a ramp.
    pub(crate) ramp_from: AtomicU64,
}

pub(crate) const NO_RAMP: u64 = u64::MAX;

/// One request's place at an endpoint.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) index: usize,
    pub(crate) epoch: u64,
    /// A trial call of an endpoint without a probe. Calls at a usable endpoint need none, which saves a count; boxed, to
    /// keep them small.
    pub(crate) permit: Option<Box<Permit>>,
}

// === impl Tier ===

impl Tier {
    pub(crate) fn new(info: EndpointInfo, settings: &FailoverSettings) -> Result<Self, InvalidSetting> {
        let breaker = Breaker::with_settings(&info.name, settings.breaker(info.probe.is_some()))?;
        let budget = Budget::with_settings(settings.budget())?;
        let probing = Arc::new(Probing::new(info.probe.clone()));
        let unprobed = AtomicBool::new(info.probe.is_some());
        Ok(Self {
            info,
            breaker,
            budget,
            probing,
            latency: Latency::default(),
            unprobed,
            state: AtomicU64::new(State::Closed as u64),
            ramp_from: AtomicU64::new(NO_RAMP),
        })
    }

    pub(crate) fn is_probed(&self) -> bool {
        self.info.probe.is_some()
    }

    /// Takes the breaker's state over. An older look never wins over a newer one: epochs only grow.
    pub(crate) fn refresh(&self) {
        loop {
            let epoch = self.breaker.epoch();
            let state = self.breaker.state();
            // Asking for the state may have changed it.
            if self.breaker.epoch() == epoch {
                self.state.fetch_max((epoch << 2) | state as u64, AcqRel);
                return;
            }
        }
    }

    /// The breaker's epoch at the last look.
    pub(crate) fn seen_epoch(&self) -> u64 {
        self.state.load(Acquire) >> 2
    }

    #[inline]
    fn was(&self, state: State) -> bool {
        self.state.load(Acquire) & 0b11 == state as u64
    }

    /// Whether traffic may stay here.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        self.was(State::Closed)
    }

    /// Whether one request may go here: it is usable, or has a place for a trial call.
    #[inline]
    pub(crate) fn admits(&self) -> bool {
        self.is_usable() || (self.was(State::HalfOpen) && self.breaker.refusal().is_none())
    }

    /// The same, for an endpoint that is not in use: nobody noticed whether its hold has passed.
    #[inline]
    pub(crate) fn may_admit(&self) -> bool {
        self.is_usable() || (!self.is_probed() && self.breaker.refusal().is_none())
    }

    pub(crate) fn active(&self, index: usize) -> Active {
        let EndpointInfo { name, url, .. } = &self.info;
        Active { index, epoch: self.breaker.epoch(), name: name.clone(), url: url.clone() }
    }

    pub(crate) fn ramp_from(&self) -> Option<u64> {
        Some(self.ramp_from.load(Relaxed)).filter(|from| *from != NO_RAMP)
    }

    /// A place for a request: at a usable endpoint nothing is taken; otherwise a trial call, if one is free.
    pub(crate) fn ticket(&self, index: usize) -> Option<Ticket> {
        match self.breaker.state() {
            State::Closed => Some(Ticket { index, epoch: self.breaker.epoch(), permit: None }),
            State::Open => None,
            State::HalfOpen => {
                let permit = self.breaker.try_acquire().ok()?;
                Some(Ticket { index, epoch: permit.epoch()?, permit: Some(Box::new(permit)) })
            }
        }
    }

    /// A place whatever the state: when an operator or the policy for "all down" sends requests here.
    pub(crate) fn forced_ticket(&self, index: usize) -> Ticket {
        self.ticket(index).unwrap_or_else(|| Ticket { index, epoch: self.breaker.epoch(), permit: None })
    }
}
