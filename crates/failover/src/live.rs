//! The settings in force, replaced as a whole by a reload.

use std::{
    mem,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{AtomicDuration, AtomicOptionDuration};

use crate::{
    probe::Driven,
    settings::{AllDown, FailoverSettings},
};

/// The settings in force: all of them behind a lock, and those that requests read as atomics.
#[derive(Debug)]
pub(crate) struct LiveSettings {
    pub(crate) all: RwLock<Arc<FailoverSettings>>,
    /// Whether there are second attempts.
    pub(crate) second_attempt: AtomicBool,
    /// Whether a refusal by a layer below starts one.
    pub(crate) on_rejected: AtomicBool,
    /// Whether an answer that the caller's limit is used up starts one.
    pub(crate) on_rate_limited: AtomicBool,
    /// The least delay of a second attempt; `None` when only errors start one.
    pub(crate) delay: AtomicOptionDuration,
    pub(crate) max_delay: AtomicDuration,
    pub(crate) abandoned_after: AtomicOptionDuration,
    /// Whether requests can ask for a probe.
    pub(crate) probes_on_request: AtomicBool,
    /// The time after which a probe that was asked for will not come.
    pub(crate) asked_probe_timeout: AtomicDuration,
    streak: AtomicU32,
    /// The rates, as the bits of an `f64`.
    failure_rate: AtomicU64,
    unproven_failure_rate: AtomicU64,
    minimum_calls: AtomicU32,
    /// The bits of an `f64`; 0 while it is off.
    slow_ratio: AtomicU64,
    pub(crate) ready_timeout: AtomicDuration,
    pub(crate) ramp: AtomicOptionDuration,
    /// Whether requests are refused while no endpoint is usable and none has good news.
    pub(crate) refuses_all_down: AtomicBool,
}

/// The limits that the signals of an endpoint are compared with. One that is off is never reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Consecutive failures.
    pub(crate) streak: u32,
    pub(crate) failure_rate: f64,
    pub(crate) unproven_failure_rate: f64,
    /// The number of calls below which a rate is not used.
    pub(crate) minimum_calls: u32,
}

// === impl Limits ===

impl Limits {
    /// Returns the limits below which what reached them counts as over: half of the rates, so that a rate near its limit
    /// does not begin and end with every request.
    pub(crate) fn of_recovery(self) -> Self {
        let [failure_rate, unproven_failure_rate] =
            [self.failure_rate, self.unproven_failure_rate].map(|rate| rate / 2.0);
        Self { failure_rate, unproven_failure_rate, ..self }
    }
}

// === impl LiveSettings ===

impl LiveSettings {
    pub(crate) fn new(settings: FailoverSettings) -> Self {
        let live = Self {
            all: RwLock::default(),
            second_attempt: AtomicBool::default(),
            on_rejected: AtomicBool::default(),
            on_rate_limited: AtomicBool::default(),
            delay: AtomicOptionDuration::default(),
            max_delay: AtomicDuration::default(),
            abandoned_after: AtomicOptionDuration::default(),
            probes_on_request: AtomicBool::default(),
            asked_probe_timeout: AtomicDuration::default(),
            streak: AtomicU32::default(),
            failure_rate: AtomicU64::default(),
            unproven_failure_rate: AtomicU64::default(),
            minimum_calls: AtomicU32::default(),
            slow_ratio: AtomicU64::default(),
            ready_timeout: AtomicDuration::default(),
            ramp: AtomicOptionDuration::default(),
            refuses_all_down: AtomicBool::default(),
        };
        live.store(settings);
        live
    }

    /// Returns all settings.
    pub(crate) fn all(&self) -> Arc<FailoverSettings> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the limits that the signals are compared with.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            streak: self.streak.load(Relaxed),
            failure_rate: f64::from_bits(self.failure_rate.load(Relaxed)),
            unproven_failure_rate: f64::from_bits(self.unproven_failure_rate.load(Relaxed)),
            minimum_calls: self.minimum_calls.load(Relaxed),
        }
    }

    /// Returns by how much an endpoint may be slower than the next one; `None` while it may be slower by any factor.
    pub(crate) fn slow_ratio(&self) -> Option<f64> {
        match self.slow_ratio.load(Relaxed) {
            0 => None,
            ratio => Some(f64::from_bits(ratio)),
        }
    }

    /// Replaces the settings. The lock is held meanwhile, so that of two reloads at once one wins in every word.
    /// Returns those before.
    pub(crate) fn store(&self, settings: FailoverSettings) -> Arc<FailoverSettings> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let second = settings.second_attempt.as_ref();
        self.second_attempt.store(second.is_some(), Relaxed);
        self.on_rejected.store(second.is_some_and(|second| second.on_rejected), Relaxed);
        self.on_rate_limited.store(second.is_some_and(|second| second.on_rate_limited), Relaxed);
        self.delay.store(second.and_then(|second| second.delay));
        self.max_delay.store(second.map(|second| second.max_delay).unwrap_or_default());
        self.abandoned_after.store(settings.abandoned_after);
        self.probes_on_request.store(settings.probe.driven != Driven::Manual, Relaxed);
        self.asked_probe_timeout.store(settings.probe.timeout + Duration::from_secs(1));
        self.streak.store(settings.consecutive_failures.unwrap_or(u32::MAX), Relaxed);
        let rate = |rate: Option<f64>| rate.unwrap_or(f64::INFINITY).to_bits();
        self.failure_rate.store(rate(settings.failure_rate), Relaxed);
        self.unproven_failure_rate.store(rate(settings.unproven_failure_rate), Relaxed);
        self.minimum_calls.store(settings.minimum_calls, Relaxed);
        self.slow_ratio.store(settings.slow_ratio.map_or(0, f64::to_bits), Relaxed);
        self.ready_timeout.store(settings.ready_timeout);
        self.ramp.store(settings.ramp);
        self.refuses_all_down.store(settings.all_down == Some(AllDown::Refuse), Relaxed);
        mem::replace(&mut *all, settings.into())
    }
}
