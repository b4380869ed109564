//! The algorithm: which endpoint is in use, which one a request goes to, and what its outcome changes.
//!
//! The request path reads atomics only. A change is noticed by whoever sees that the decision differs from the one in
//! force; it is made once, under the lock of the log, so of a thousand requests that fail together one makes it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use mainstay_core::{Counters, InvalidSetting, Level, Name, Outcome, Random, Status, StatusSender};
use tokio::{sync::watch, task::AbortHandle, time::Instant};

use crate::{
    AllDown, Driven, FailoverSettings, FailoverState, Initial, ReturnMode, Transition,
    endpoint::EndpointInfo,
    plan::{Control, DRY_RUN, MANUAL, NOT_STARTED, Plan, RAMPING, TRAFFIC_PROBES, forced},
    route::{AtomicRoute, Route},
    tier::{NO_RAMP, Ticket, Tier},
    transition::Log,
};

#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) name: Name,
    pub(crate) tiers: Box<[Tier]>,
    pub(crate) settings: RwLock<Arc<FailoverSettings>>,
    pub(crate) knobs: Knobs,
    pub(crate) control: Control,
    pub(crate) route: AtomicRoute,
    pub(crate) log: Mutex<Log>,
    /// The endpoints' epochs, summed, when anybody was last told of a change.
    seen: AtomicU64,
    pub(crate) status: StatusSender,
    /// Wakes whoever waits for an endpoint, at every change of any of them.
    pub(crate) changed: watch::Sender<FailoverState>,
    pub(crate) counters: Counters<5>,
    pub(crate) random: Random,
    pub(crate) start: Instant,
    pub(crate) tasks: Mutex<Vec<AbortHandle>>,
    pub(crate) itself: Weak<Router>,
}

/// The settings that requests read.
#[derive(Debug, Default)]
pub(crate) struct Knobs {
    pub(crate) second_attempt: AtomicBool,
    pub(crate) on_rejected: AtomicBool,
    /// In nanoseconds; [`NEVER`] is never.
    pub(crate) silence: AtomicU64,
    pub(crate) abandoned_after: AtomicU64,
    pub(crate) patience: AtomicU64,
    ramp: AtomicU64,
    all_down: AtomicU64,
}

pub(crate) const NEVER: u64 = u64::MAX;

/// The counters' places.
pub(crate) mod counter {
    pub(crate) const SECOND_ON_ERROR: usize = 0;
    pub(crate) const SECOND_ON_SILENCE: usize = 1;
    pub(crate) const SECOND_WON: usize = 2;
    pub(crate) const SECOND_REFUSED: usize = 3;
    pub(crate) const REFUSED: usize = 4;
}

impl Router {
    pub(crate) fn new(
        name: Name,
        endpoints: Vec<EndpointInfo>,
        settings: FailoverSettings,
    ) -> Result<Arc<Self>, InvalidSetting> {
        settings.validate()?;
        check_names(&endpoints)?;
        let tiers: Result<Vec<_>, _> = endpoints.into_iter().map(|info| Tier::new(info, &settings)).collect();
        let (tiers, now) = (tiers?.into_boxed_slice(), Instant::now());
        let router = Arc::new_cyclic(|itself| Self {
            name,
            tiers,
            knobs: Knobs::default(),
            control: Control::new(),
            route: AtomicRoute::new(Route::PRIMARY),
            log: Mutex::new(Log::new(now)),
            seen: AtomicU64::new(0),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            changed: watch::Sender::new(FailoverState::OnPrimary),
            counters: Counters::per_thread(),
            random: Random::new(),
            start: now,
            tasks: Mutex::default(),
            itself: itself.clone(),
            settings: RwLock::new(Arc::new(settings)),
        });
        router.configure();
        if router.settings().initial == Initial::Down {
            router.tiers.iter().filter(|tier| tier.is_probed()).for_each(|tier| tier.engine.trip("not probed yet"));
            router.observe();
        }
        router.start_probing();
        Ok(router)
    }

    pub(crate) fn settings(&self) -> Arc<FailoverSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the settings into the atomics that requests read.
    pub(crate) fn configure(&self) {
        let settings = self.settings();
        let (knobs, second) = (&self.knobs, settings.second_attempt.as_ref());
        let nanos = |time: Option<std::time::Duration>| time.map_or(NEVER, nanos);
        knobs.second_attempt.store(second.is_some(), Relaxed);
        knobs.on_rejected.store(second.is_some_and(|second| second.on_rejected), Relaxed);
        knobs.silence.store(nanos(second.and_then(|second| second.silence)), Relaxed);
        knobs.abandoned_after.store(nanos(settings.abandoned_after), Relaxed);
        knobs.patience.store(nanos(Some(settings.patience)), Relaxed);
        knobs.ramp.store(nanos(settings.ramp), Relaxed);
        knobs.all_down.store(settings.all_down as u64, Relaxed);
        self.control.set(DRY_RUN, settings.dry_run);
        self.control.set(MANUAL, settings.return_mode == ReturnMode::Manual);
        let probed = self.tiers.iter().any(Tier::is_probed);
        self.control.set(TRAFFIC_PROBES, probed && settings.probe.driven == Driven::Traffic);
        let idle = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        self.control.set(NOT_STARTED, probed && idle && settings.probe.driven == Driven::Background);
    }

    // --- deciding ---

    /// What should be in use now.
    fn decide(&self, control: u32) -> Route {
        if let Some(index) = forced(control) {
            return Route { state: FailoverState::Forced, index: Some(index) };
        }
        let first = self.first(control);
        match self.order(first).find(|index| self.tiers[*index].is_usable()) {
            Some(index) => Route::on(index),
            None => Route { state: FailoverState::AllDown, index: self.when_all_down() },
        }
    }

    /// Where to begin to look: at the primary; without a return by itself, at the endpoint in use.
    fn first(&self, control: u32) -> usize {
        match control & MANUAL {
            0 => 0,
            _ => Some(self.route.load())
                .filter(|route| route.state == FailoverState::OnBackup)
                .and_then(|route| route.index)
                .unwrap_or(0),
        }
    }

    /// Every endpoint once, beginning with this one.
    pub(crate) fn order(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        let n = self.tiers.len();
        (first..n).chain(0..first.min(n))
    }

    /// By policy. An endpoint whose newest probe is good is better than none, though its hold runs on: a short trouble
    /// of the backup during a long one of the primary must not be an outage of a whole hold.
    fn when_all_down(&self) -> Option<usize> {
        let policy = self.knobs.all_down.load(Relaxed);
        match policy {
            _ if policy == AllDown::Refuse as u64 => None,
            _ if policy == AllDown::LastResort as u64 => Some(self.tiers.len() - 1),
            _ => Some(self.tiers.iter().position(|tier| tier.probing.newest_is_good()).unwrap_or(0)),
        }
    }

    /// Where one request may go.
    pub(crate) fn plan(&self) -> Plan {
        let control = self.control.load();
        if control == 0 && self.tiers[0].is_usable() && self.route.load() == Route::PRIMARY {
            return Plan::From(0);
        }
        self.plan_slowly(control)
    }

    fn plan_slowly(&self, control: u32) -> Plan {
        if control & (NOT_STARTED | TRAFFIC_PROBES) != 0 {
            self.probe_from_traffic(control);
        }
        let route = self.decide(control);
        if route != self.route.load() {
            self.observe();
        }
        match (route.state, route.index) {
            _ if control & DRY_RUN != 0 => Plan::Only(0),
            (_, None) => Plan::Refuse,
            (FailoverState::AllDown, Some(index)) => match self.trial() {
                Some(index) => Plan::From(index),
                None => Plan::Only(index),
            },
            (FailoverState::Forced, Some(index)) => Plan::Only(index),
            (_, Some(index)) if control & RAMPING != 0 => Plan::From(self.ramped(index)),
            _ => Plan::From(self.first(control)),
        }
    }

    /// With nothing usable, an endpoint that has a place for a trial call.
    fn trial(&self) -> Option<usize> {
        self.tiers.iter().position(Tier::admits)
    }

    /// The endpoint in use, or, for the share of requests that its ramp does not let through yet, the next usable one.
    fn ramped(&self, index: usize) -> usize {
        let Some(from) = self.tiers[index].ramp_from() else { return index };
        let elapsed = self.nanos(Instant::now()).saturating_sub(from) as f64;
        let share = 0.1 + 0.9 * elapsed / self.knobs.ramp.load(Relaxed) as f64;
        if share >= 1.0 {
            self.tiers[index].ramp_from.store(NO_RAMP, Relaxed);
            self.control.set(RAMPING, self.tiers.iter().any(|tier| tier.ramp_from().is_some()));
            return index;
        }
        match self.random.unit() < share {
            true => index,
            false => self.next_usable(index).unwrap_or(index),
        }
    }

    fn next_usable(&self, after: usize) -> Option<usize> {
        (after + 1..self.tiers.len()).find(|index| self.tiers[*index].is_usable())
    }

    /// Where a second attempt may go: the first endpoint that admits it, other than the one that was tried.
    pub(crate) fn second(&self, tried: usize) -> Option<usize> {
        if !self.knobs.second_attempt.load(Relaxed) {
            return None;
        }
        let control = self.control.load();
        if control & DRY_RUN != 0 || forced(control).is_some() {
            return None;
        }
        (0..self.tiers.len()).find(|index| *index != tried && self.tiers[*index].is_usable())
    }

    // --- recording ---

    pub(crate) fn settle(&self, ticket: Ticket, outcome: Outcome) {
        // Only what speaks against an endpoint, or a trial call, can change anything.
        let may_change = ticket.is_trial() || outcome.is_failure();
        self.tiers[ticket.index].settle(ticket, outcome);
        if may_change {
            self.observe();
        }
    }

    pub(crate) fn record(&self, index: usize, epoch: u64, outcome: Outcome) {
        let Some(tier) = self.tiers.get(index) else { return };
        tier.engine.record_at(epoch, outcome);
        self.observe();
    }

    // --- changing; the only writers of the route ---

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the route up to what the endpoints are, and tells whoever listens.
    pub(crate) fn observe(&self) {
        let seen = self.tiers.iter().fold(0, |sum: u64, tier| {
            let _up_to_date = tier.is_usable();
            sum.wrapping_add(tier.engine.epoch())
        });
        if self.decide(self.control.load()) != self.route.load() || self.seen.load(Relaxed) != seen {
            self.seen.store(seen, Relaxed);
            self.change(|_| {}, |from, to| self.why(from, to));
        }
    }

    /// Does what an operator ordered, and brings the route up to it.
    pub(crate) fn operate(&self, order: impl FnOnce(&AtomicRoute), reason: &str) {
        self.change(order, |_, _| reason.to_owned());
    }

    fn change(&self, order: impl FnOnce(&AtomicRoute), why: impl FnOnce(Route, Route) -> String) {
        let mut log = self.log();
        let from = self.route.load();
        order(&self.route);
        let to = self.decide(self.control.load());
        let change = (from != to).then(|| self.switch(&mut log, from, to, why(from, to)));
        self.route.store(to);
        drop(log);
        if let Some(change) = change {
            self.announce(&change);
        }
        self.changed.send_replace(to.state);
        self.tiers.iter().for_each(|tier| tier.probing.wake.notify_one());
    }

    fn switch(&self, log: &mut Log, from: Route, to: Route, reason: String) -> Transition {
        let now = Instant::now();
        let name =
            |route: Route| route.index.and_then(|index| self.tiers.get(index)).map(|tier| tier.info.name.clone());
        let reason = match self.control.load() & DRY_RUN {
            0 => reason,
            _ => format!("dry run, nothing changes: {reason}"),
        };
        self.begin_ramp(from, to, now);
        let change = |sequence, spent| Transition {
            sequence,
            at: now,
            from: name(from),
            to: name(to),
            state: to.state,
            reason,
            spent,
        };
        log.push(change, now)
    }

    fn begin_ramp(&self, from: Route, to: Route, now: Instant) {
        let returned = from.state == FailoverState::OnBackup && to.index < from.index;
        if let Some(index) = to.index.filter(|_| returned && self.knobs.ramp.load(Relaxed) != NEVER) {
            self.tiers[index].ramp_from.store(self.nanos(now), Relaxed);
            self.control.set(RAMPING, true);
        }
    }

    /// The reason of a change: that of the endpoint that was left, or of the one that is back.
    fn why(&self, from: Route, to: Route) -> String {
        let tell = |index: usize, what: Option<&str>| {
            let Tier { info, engine, .. } = &self.tiers[index];
            let name = info.name.escape_debug();
            what.map_or_else(|| format!("{name}: {}", engine.snapshot().reason), |what| format!("{name}: {what}"))
        };
        let left = from.index.filter(|index| from.state != FailoverState::AllDown && !self.tiers[*index].is_usable());
        match (left, to.index) {
            (Some(left), _) => tell(left, None),
            (None, None) => "no endpoint is usable".to_owned(),
            (None, Some(index)) if to.state == FailoverState::AllDown => {
                match self.tiers[index].probing.newest_is_good() {
                    true => tell(index, Some("its newest probe is good")),
                    false => tell(index, Some("no endpoint is better")),
                }
            }
            (None, Some(index)) => tell(index, None),
        }
    }

    fn announce(&self, change: &Transition) {
        let (failover, alone) = (&*self.name, self.tiers.len() == 1);
        match change.state {
            FailoverState::AllDown if alone => {
                tracing::error!(failover, %change, "no endpoint is usable and there is no backup");
            }
            FailoverState::AllDown => tracing::error!(failover, %change, "no endpoint is usable"),
            FailoverState::OnBackup => tracing::warn!(failover, %change, "switched to a backup"),
            FailoverState::Forced => tracing::warn!(failover, %change, "switched by an operator"),
            FailoverState::OnPrimary => tracing::info!(failover, %change, "back on the primary"),
        }
        let level = match change.state {
            FailoverState::OnPrimary => Level::Healthy,
            FailoverState::OnBackup | FailoverState::Forced => Level::Degraded,
            FailoverState::AllDown => Level::Unhealthy,
        };
        self.status.publish(level, if level == Level::Healthy { "" } else { &change.reason });
    }

    // --- time ---

    pub(crate) fn nanos(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start))
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(AbortHandle::abort);
    }
}

pub(crate) fn nanos(time: std::time::Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(NEVER - 1)
}

fn check_names(endpoints: &[EndpointInfo]) -> Result<(), InvalidSetting> {
    if endpoints.is_empty() || endpoints.len() > 1_000 {
        return Err(InvalidSetting::new("endpoints", endpoints.len(), "must be 1 to 1000 endpoints"));
    }
    for (i, endpoint) in endpoints.iter().enumerate() {
        if endpoints[..i].iter().any(|earlier| earlier.name == endpoint.name) {
            return Err(InvalidSetting::new("endpoints", &endpoint.name, "must have a name of its own each"));
        }
    }
    Ok(())
}
