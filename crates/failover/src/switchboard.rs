//! The switchboard: the route, the ramp, the log, the status and the watch, which only [update](crate::update) writes.
//!
//! It changes them under one lock, and only when the [selector](crate::selector) chooses another route than the one in
//! force, so that of a thousand requests that fail together one makes the change. Requests read atomics only.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use mainstay_core::{
    Counters, EventSender, FailoverId, Level, LogLimit, Name, Random, StateReceiver, Status, StatusReceiver,
    StatusSender, TransitionLog, nanos,
};
use tokio::{sync::watch, time::Instant};

use crate::{
    comparison::Comparison,
    control::{AtomicControl, Flag},
    counters::COUNTERS,
    endpoint_state::EndpointState,
    event::FailoverEvent,
    everywhere::Everywhere,
    history::History,
    lasting::Lasting,
    live::LiveSettings,
    permit::{Candidate, EndpointPermit},
    ramp::Ramp,
    route::{AtomicRoute, FailoverState, Route},
    selector::{self, EndpointView, Selection},
    status,
    transition::Transition,
};

#[derive(Debug)]
pub(crate) struct Switchboard {
    pub(crate) name: Name,
    /// The identity of this failover in the history of a request.
    pub(crate) id: FailoverId,
    pub(crate) endpoints: Box<[EndpointState]>,
    pub(crate) live: LiveSettings,
    pub(crate) control: AtomicControl,
    pub(crate) counters: Counters<COUNTERS>,
    pub(crate) random: Random,
    pub(crate) everywhere: Everywhere,
    pub(crate) comparison: Comparison,
    /// Limits the lines about endpoints that are tried while none is usable.
    pub(crate) tries: LogLimit,
    /// Locked while an endpoint is left or suspended.
    pub(crate) leaving: Mutex<()>,
    pub(crate) route: AtomicRoute,
    pub(crate) ramp: Ramp,
    /// When the route may change without an event, because a hold or the ramp ends, in nanoseconds since the start.
    pub(crate) review_at: AtomicU64,
    /// When the status may change next without an event, because a condition has lasted or is over.
    pub(crate) status_at: AtomicU64,
    pub(crate) locked: Mutex<Locked>,
    pub(crate) status: StatusSender,
    pub(crate) events: EventSender<FailoverEvent>,
    /// Changes with every change of any endpoint.
    pub(crate) changed: watch::Sender<FailoverState>,
    start: Instant,
}

/// What the lock guards, beside the right to write the atomics.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) log: TransitionLog<Transition>,
    /// The sum of the endpoints' epochs when a change was last published.
    pub(crate) epochs: u64,
    /// What the newest status depends on, and its number. It is published after the lock.
    pub(crate) status: (status::Basis, u64),
    /// Whether many requests fail at every endpoint.
    pub(crate) everywhere: Lasting,
    /// Whether requests fail at the last usable endpoint: its index and epoch, and for how long.
    pub(crate) condemned: (Option<(usize, u64)>, Lasting),
    /// The endpoints that gave no cover when that was last logged: a bit for each of the first 64.
    pub(crate) uncovered: u64,
}

/// An operator's order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Send all requests to this endpoint, or end that.
    Force(Option<usize>),
    /// Return to the primary.
    Return,
}

pub(crate) const NEVER: u64 = u64::MAX;

// === impl Switchboard ===

impl Switchboard {
    pub(crate) fn new(name: Name, endpoints: Box<[EndpointState]>, live: LiveSettings) -> Self {
        let now = Instant::now();
        Self {
            name,
            id: FailoverId::new(),
            endpoints,
            live,
            control: AtomicControl::default(),
            counters: Counters::per_thread(),
            random: Random::new(),
            everywhere: Everywhere::default(),
            comparison: Comparison::default(),
            tries: LogLimit::default(),
            leaving: Mutex::default(),
            route: AtomicRoute::new(Route::PRIMARY),
            ramp: Ramp::default(),
            review_at: AtomicU64::new(NEVER),
            status_at: AtomicU64::new(NEVER),
            locked: Mutex::new(Locked {
                log: TransitionLog::new(now),
                epochs: 0,
                status: (status::Basis::default(), 0),
                everywhere: Lasting::default(),
                condemned: Default::default(),
                uncovered: 0,
            }),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            events: EventSender::new(),
            changed: watch::Sender::new(FailoverState::OnPrimary),
            start: now,
        }
    }

    // --- reading ---

    /// Returns the primary, if the route leads there, nothing else decides and it is usable.
    ///
    /// The fast path of [`select`](Self::select): three loads.
    #[inline]
    pub(crate) fn usable_primary(&self) -> Option<Candidate> {
        let primary = self.endpoints.first()?;
        // The route before the control word: a return sets the ramp before the route.
        let usable = self.route() == Route::PRIMARY && self.control.load().is_empty() && primary.is_usable();
        let candidate = || Candidate { index: 0, epoch: primary.breaker.epoch(), unconditional: false, usable: true };
        usable.then(candidate)
    }

    /// Chooses where one request goes.
    pub(crate) fn select(&self) -> Selection {
        if self.is_review_due() {
            self.observe();
        }
        if self.control.load().has(Flag::Comparing) {
            self.review_comparison();
        }
        // The route before the control word: a return sets the ramp before the route.
        let (route, control) = (self.route(), self.control.load());
        let (share, chance) = match (control.has(Flag::Ramping), control.has(Flag::Comparing)) {
            (false, false) => (1.0, 0.0),
            (false, true) => (1.0, self.random.unit()),
            (true, _) => (self.ramp.share(self.live.ramp.load(), self.nanos(Instant::now())), self.random.unit()),
        };
        selector::select(&self.endpoints, route, control, share, chance)
    }

    /// Returns the endpoint that gets the requests for which no endpoint has a trial call free, while all are down.
    pub(crate) fn last_resort(&self) -> Option<usize> {
        let route = self.route();
        route.index.filter(|_| route.state == FailoverState::AllDown)
    }

    /// Chooses where a second attempt goes; `None` when there is no target or second attempts are off.
    #[inline]
    pub(crate) fn second_target(&self, tried: usize, history: &History) -> Option<usize> {
        let (control, next) = (self.control.load(), usize::from(tried == 0));
        let is_plain = || control.is_empty() && !history.is_repeat(self.id);
        match self.live.second_attempt.load(Relaxed) {
            false => None,
            // Fast path: nothing else decides, and the first other endpoint is usable.
            true if is_plain() && self.endpoints.get(next).is_some_and(EndpointView::is_usable) => Some(next),
            true => self.second_target_in_order(&[tried], history),
        }
    }

    /// Chooses where a second attempt goes, other than to the endpoints that were tried.
    pub(crate) fn untried_target(&self, tried: &[usize], history: &History) -> Option<usize> {
        self.live.second_attempt.load(Relaxed).then(|| self.second_target_in_order(tried, history)).flatten()
    }

    #[cold]
    fn second_target_in_order(&self, tried: &[usize], history: &History) -> Option<usize> {
        let is_asked = |index| history.has_asked(self.id, index);
        let refuses = self.live.refuses_all_down.load(Relaxed);
        selector::second_target(&self.endpoints, tried, self.route(), self.control.load(), refuses, is_asked)
    }

    /// Chooses where a repeat of a request goes: to the first endpoint that may get it and that the request has not asked.
    #[cold]
    pub(crate) fn repeat_target(&self, history: &History) -> Option<usize> {
        let refuses = self.live.refuses_all_down.load(Relaxed);
        selector::repeat_target(&self.endpoints, self.select(), refuses, |index| history.has_asked(self.id, index))
    }

    /// Whether a request may go to this endpoint by this selection.
    pub(crate) fn is_candidate(&self, selection: Selection, index: usize) -> bool {
        selector::is_candidate(&self.endpoints, selection, index, self.live.refuses_all_down.load(Relaxed))
    }

    /// Returns a permit for an endpoint whatever its state, while none is usable.
    pub(crate) fn acquire_last_resort(&self, index: usize) -> Option<EndpointPermit> {
        (self.route().state == FailoverState::AllDown).then(|| self.endpoints[index].acquire_unconditionally(index))
    }

    /// Returns a number that grows with each change and each suspension of any endpoint.
    pub(crate) fn epoch(&self) -> u64 {
        let epoch = |endpoint: &EndpointState| endpoint.breaker.epoch().wrapping_add(endpoint.ask.suspensions().into());
        self.endpoints.iter().map(epoch).fold(0, u64::wrapping_add)
    }

    #[inline]
    pub(crate) fn route(&self) -> Route {
        self.route.load()
    }

    /// Returns the endpoint that most requests go to.
    #[inline]
    pub(crate) fn usual_index(&self) -> usize {
        match self.control.load().has(Flag::DryRun) {
            true => 0,
            false => self.route().index.unwrap_or(0),
        }
    }

    /// Returns the lock on the log.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.locked.is_poisoned()
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    pub(crate) fn watch(&self) -> StateReceiver<FailoverState> {
        self.changed.subscribe().into()
    }

    /// Returns a time in nanoseconds since the start.
    pub(crate) fn nanos(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start))
    }

    fn is_review_due(&self) -> bool {
        self.is_over(&self.review_at)
    }

    /// Whether the time has come at which a condition of the status has lasted, or is over.
    pub(crate) fn is_status_due(&self) -> bool {
        self.is_over(&self.status_at)
    }

    fn is_over(&self, time: &AtomicU64) -> bool {
        match time.load(Relaxed) {
            NEVER => false,
            at => self.nanos(Instant::now()) >= at,
        }
    }
}
