//! The settings in force, replaced as a whole by a reload.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use mainstay_core::{AtomicDuration, AtomicOptionDuration};

use crate::settings::FailoverSettings;

/// The settings in force: all of them behind a lock, and those that requests read as atomics.
#[derive(Debug)]
pub(crate) struct LiveSettings {
    pub(crate) all: RwLock<Arc<FailoverSettings>>,
    /// Whether there are second attempts.
    pub(crate) second_attempt: AtomicBool,
    /// Whether a refusal by a layer below starts one.
    pub(crate) on_rejected: AtomicBool,
    /// The least delay of a second attempt; `None` when only errors start one.
    pub(crate) delay: AtomicOptionDuration,
    pub(crate) max_delay: AtomicDuration,
    pub(crate) abandoned_after: AtomicOptionDuration,
    pub(crate) ready_timeout: AtomicDuration,
    pub(crate) ramp: AtomicOptionDuration,
}

// === impl LiveSettings ===

impl LiveSettings {
    pub(crate) fn new(settings: FailoverSettings) -> Self {
        let live = Self {
            all: RwLock::default(),
            second_attempt: AtomicBool::default(),
            on_rejected: AtomicBool::default(),
            delay: AtomicOptionDuration::default(),
            max_delay: AtomicDuration::default(),
            abandoned_after: AtomicOptionDuration::default(),
            ready_timeout: AtomicDuration::default(),
            ramp: AtomicOptionDuration::default(),
        };
        live.store(settings);
        live
    }

    /// Returns all settings.
    pub(crate) fn all(&self) -> Arc<FailoverSettings> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn store(&self, settings: FailoverSettings) {
        let second = settings.second_attempt.as_ref();
        self.second_attempt.store(second.is_some(), Relaxed);
        self.on_rejected.store(second.is_some_and(|second| second.on_rejected), Relaxed);
        self.delay.store(second.and_then(|second| second.delay));
        self.max_delay.store(second.map(|second| second.max_delay).unwrap_or_default());
        self.abandoned_after.store(settings.abandoned_after);
        self.ready_timeout.store(settings.ready_timeout);
        self.ramp.store(settings.ramp);
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = settings.into();
    }
}
