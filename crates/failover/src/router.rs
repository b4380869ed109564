//! The algorithm: which endpoint is in use, which one a request goes to, and what its outcome changes.
//!
//! The request path reads atomics only. A change is noticed by whoever sees that the decision differs from the one in
//! force; it is made once, under the lock of the log, so of a thousand requests that fail together one makes it.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Counters, InvalidSetting, Level, Name, Random, Reason, Rejected, Status, StatusSender};
use tokio::{sync::watch, task::AbortHandle, time::Instant};

use crate::{
    Driven, FailoverSettings, FailoverState, Initial, ReturnMode,
    endpoint::EndpointInfo,
    plan::{Control, DRY_RUN, MANUAL, NOT_STARTED, TRAFFIC_PROBES},
    route::{AtomicRoute, Route},
    tier::Tier,
    transition::Log,
};

mod decide;
mod record;
mod switch;

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
    /// When the route may change though nobody says anything, in nanoseconds since the start: a hold ends.
    review_at: AtomicU64,
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
    delay: AtomicU64,
    max_delay: AtomicU64,
    pub(crate) abandoned_after: AtomicU64,
    pub(crate) ready_timeout: AtomicU64,
    ramp: AtomicU64,
    all_down: AtomicU64,
}

pub(crate) const NEVER: u64 = u64::MAX;

/// The counters' places.
pub(crate) mod counter {
    pub(crate) const SECOND_ON_ERROR: usize = 0;
    pub(crate) const SECOND_ON_DELAY: usize = 1;
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
            review_at: AtomicU64::new(NEVER),
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
            router.tiers.iter().filter(|tier| tier.is_probed()).for_each(|tier| tier.breaker.trip("not probed yet"));
        }
        router.observe();
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
        let nanos = |time: Option<Duration>| time.map_or(NEVER, nanos);
        knobs.second_attempt.store(second.is_some(), Relaxed);
        knobs.on_rejected.store(second.is_some_and(|second| second.on_rejected), Relaxed);
        knobs.delay.store(nanos(second.and_then(|second| second.delay)), Relaxed);
        knobs.max_delay.store(nanos(second.map(|second| second.max_delay)), Relaxed);
        knobs.abandoned_after.store(nanos(settings.abandoned_after), Relaxed);
        knobs.ready_timeout.store(nanos(Some(settings.ready_timeout)), Relaxed);
        knobs.ramp.store(nanos(settings.ramp), Relaxed);
        knobs.all_down.store(settings.all_down as u64, Relaxed);
        self.control.set(DRY_RUN, settings.dry_run);
        self.control.set(MANUAL, settings.return_mode == ReturnMode::Manual);
        let probed = self.tiers.iter().any(Tier::is_probed);
        self.control.set(TRAFFIC_PROBES, probed && settings.probe.driven == Driven::Traffic);
        let idle = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        self.control.set(NOT_STARTED, probed && idle && settings.probe.driven == Driven::Background);
    }

    /// How long this endpoint may be silent by now.
    pub(crate) fn delay(&self, index: usize) -> Option<Duration> {
        let least = Some(self.knobs.delay.load(Relaxed)).filter(|least| *least != NEVER)?;
        let most = self.knobs.max_delay.load(Relaxed).max(least);
        let p99 = self.tiers[index].latency.p99().map_or(most, nanos);
        Some(Duration::from_nanos(p99.clamp(least, most)))
    }

    /// The refusal of a request for which there is no endpoint, with the time to the first that may be back.
    #[cold]
    pub(crate) fn refuse(&self) -> Rejected {
        self.counters.add(counter::REFUSED);
        let retry_after = self.tiers.iter().filter_map(|tier| tier.breaker.refusal()?.retry_after()).min();
        Rejected::new(Reason::NoHealthyEndpoint, &self.name).with_retry_after(retry_after)
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

pub(crate) fn nanos(time: Duration) -> u64 {
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
