//! The algorithm and its figures: when the steps run, which are on, what came of it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Class, Counters, InvalidSetting, Level, Name, StatusReceiver};

use crate::{Chain, Clear, FallbackSettings, FallbackSnapshot, StepState, usage::Usage};

/// The handle of a fallback: its settings, the switches of its steps, its figures and its status.
///
/// Cheap to clone; all clones, the layer and every service it makes share one state.
///
/// ```
/// use mainstay_fallback::{FallbackLayer, value};
///
/// let layer = FallbackLayer::new(value("sorry").named("apology")).named("orders");
/// let orders = layer.handle();
/// assert!(orders.switch_off("apology"));
/// assert!(!orders.switch_off("no such step"));
/// assert_eq!(orders.snapshot().answered, 0);
/// ```
#[derive(Clone)]
pub struct Fallbacks(Arc<Inner>);

struct Inner {
    name: Name,
    /// The classes that the steps run for, one bit each.
    classes: AtomicU8,
    settle_nanos: AtomicU64,
    steps: Box<[(StepState, Option<Clear>)]>,
    counters: Counters<3>,
    usage: Usage,
}

const NEEDED: usize = 0;
const ANSWERED: usize = 1;
const EXHAUSTED: usize = 2;

// === impl Fallbacks ===

impl Fallbacks {
    /// A handle on these steps, with the default settings. A layer makes its own; this is for
    /// [`run`](Fallbacks::run).
    pub fn new<C: Chain>(name: impl Into<Name>, steps: &C) -> Self {
        Self::build(name.into(), steps, &FallbackSettings::default())
    }

    /// A handle on these steps with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings<C: Chain>(
        name: impl Into<Name>,
        steps: &C,
        settings: &FallbackSettings,
    ) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(name.into(), steps, settings))
    }

    pub(crate) fn build<C: Chain>(name: Name, steps: &C, settings: &FallbackSettings) -> Self {
        let steps = (0..C::LEN).map(|index| (steps.state(index).clone(), steps.clear(index))).collect();
        Self(Arc::new(Inner {
            name,
            classes: AtomicU8::new(bits(settings)),
            settle_nanos: AtomicU64::new(nanos(settings.settle_after)),
            steps,
            counters: Counters::shared(),
            usage: Usage::new(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> FallbackSettings {
        let classes = self.0.classes.load(Relaxed);
        let on = |class| classes & bit(class) != 0;
        FallbackSettings {
            on_failure: on(Class::Failure),
            on_overloaded: on(Class::Overloaded),
            on_rejected: on(Class::Rejected),
            settle_after: self.settle(),
        }
    }

    /// Changes the settings while it works; figures and status stay.
    ///
    /// # Errors
    /// A setting out of its range; nothing is changed.
    pub fn reconfigure(&self, settings: &FallbackSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.classes.store(bits(settings), Relaxed);
        self.0.settle_nanos.store(nanos(settings.settle_after), Relaxed);
        Ok(())
    }

    /// Switches the steps of this name on. False if there is none.
    pub fn switch_on(&self, step: &str) -> bool {
        self.each(step, |(state, _)| state.switch(true))
    }

    /// Switches the steps of this name off: they are passed over, uncounted, and a switched-off memory neither answers
    /// nor learns. False if there is none.
    pub fn switch_off(&self, step: &str) -> bool {
        self.each(step, |(state, _)| state.switch(false))
    }

    /// Empties the memories of the steps of this name (the last good answers). False if there is no such step.
    pub fn clear(&self, step: &str) -> bool {
        self.each(step, |(_, clear)| clear.iter().for_each(Clear::run))
    }

    /// All figures.
    #[must_use]
    pub fn snapshot(&self) -> FallbackSnapshot {
        let [needed, answered, exhausted] = self.0.counters.read();
        FallbackSnapshot {
            name: self.0.name.clone(),
            level: self.0.usage.level(),
            needed,
            answered,
            exhausted,
            steps: self.0.steps.iter().map(|(state, _)| state.snapshot()).collect(),
        }
    }

    /// Whether the fallback is in use: healthy (it is not), degraded (steps answer), unhealthy (every step failed).
    /// It gets better with the first good answer after [`settle_after`](FallbackSettings::settle_after).
    #[must_use]
    pub fn status(&self) -> StatusReceiver {
        self.0.usage.subscribe()
    }

    /// Whether the steps run for an outcome of this class.
    pub(crate) fn covers(&self, class: Class) -> bool {
        self.0.classes.load(Relaxed) & bit(class) != 0
    }

    /// Whether the status waits for a good answer.
    #[inline]
    pub(crate) fn is_in_use(&self) -> bool {
        self.0.usage.level() != Level::Healthy
    }

    /// The inner service answered.
    pub(crate) fn good(&self) {
        if self.0.usage.good(|| self.settle()).is_some() {
            tracing::info!(fallback = %self.0.name, "the fallback is no longer needed");
        }
    }

    pub(crate) fn needed(&self) {
        self.0.counters.add(NEEDED);
    }

    pub(crate) fn answered(&self, step: &StepState) {
        step.answered();
        self.0.counters.add(ANSWERED);
        self.used(true);
    }

    pub(crate) fn failed(&self, step: &StepState, error: &dyn fmt::Display) {
        step.failed();
        tracing::debug!(fallback = %self.0.name, step = %step.name(), %error, "a fallback step failed");
    }

    pub(crate) fn skipped(&self, step: &StepState, why: &str) {
        step.skipped();
        tracing::debug!(fallback = %self.0.name, step = %step.name(), why, "a fallback step had nothing to answer with");
    }

    pub(crate) fn exhausted(&self) {
        self.0.counters.add(EXHAUSTED);
        self.used(false);
    }

    fn used(&self, answered: bool) {
        match self.0.usage.used(answered, self.settle()) {
            Some(Level::Unhealthy) => tracing::warn!(fallback = %self.0.name, "every step of the fallback failed"),
            Some(_) => tracing::warn!(fallback = %self.0.name, "answers come from the fallback"),
            None => {}
        }
    }

    fn settle(&self) -> Duration {
        Duration::from_nanos(self.0.settle_nanos.load(Relaxed))
    }

    fn each(&self, name: &str, act: impl Fn(&(StepState, Option<Clear>))) -> bool {
        let mut named = self.0.steps.iter().filter(|(state, _)| state.name() == name).peekable();
        let found = named.peek().is_some();
        named.for_each(act);
        found
    }
}

impl fmt::Debug for Fallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fallbacks").field(&self.snapshot()).finish()
    }
}

const fn bit(class: Class) -> u8 {
    match class {
        Class::Failure => 1,
        Class::Overloaded => 2,
        Class::Rejected => 4,
        _ => 0,
    }
}

fn bits(settings: &FallbackSettings) -> u8 {
    let classes = [Class::Failure, Class::Overloaded, Class::Rejected];
    classes.into_iter().filter(|class| settings.covers(*class)).map(bit).sum()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
