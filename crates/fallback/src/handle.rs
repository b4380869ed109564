//! The handle of a fallback: settings, the switches of the steps, counters and status.

use std::{fmt, sync::Arc};

use mainstay_core::{Class, Counters, EventSender, Events, InvalidSetting, LogLimit, Name, StatusReceiver};

use crate::{
    Chain, Clear, FallbackEvent, FallbackSettings, FallbackSnapshot, StepState, live_settings::LiveSettings,
    usage::Usage,
};

mod record;

/// The handle of a fallback: settings, the switches of the steps, figures and status.
///
/// Cheap to clone; all clones, the layer and its services share one state.
///
/// ```
/// use mainstay_fallback::{FallbackLayer, value};
///
/// let layer = FallbackLayer::new("orders", value("sorry").named("apology"));
/// let orders = layer.handle();
/// assert!(orders.switch_off("apology"));
/// assert!(!orders.switch_off("no such step"));
/// assert_eq!(orders.snapshot().answered, 0);
/// ```
#[derive(Clone)]
pub struct FallbackHandle(Arc<Inner>);

struct Inner {
    name: Name,
    settings: LiveSettings,
    /// The state of each step, and the function that empties its cache, if it has one.
    steps: Box<[(StepState, Option<Clear>)]>,
    counters: Counters<3>,
    usage: Usage,
    log_limit: LogLimit,
    events: EventSender<FallbackEvent>,
}

const NEEDED: usize = 0;
const ANSWERED: usize = 1;
const EXHAUSTED: usize = 2;

// === impl FallbackHandle ===

impl FallbackHandle {
    /// Creates a handle for these steps, with the default settings.
    pub fn new<C: Chain>(name: impl Into<Name>, steps: &C) -> Self {
        Self::build(name.into(), steps, &FallbackSettings::default())
    }

    /// Creates a handle for these steps, with these settings.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn with_settings<C: Chain>(
        name: impl Into<Name>,
        steps: &C,
        settings: &FallbackSettings,
    ) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self::build(name, steps, settings))
    }

    /// Creates a handle with settings that were validated.
    pub(crate) fn build<C: Chain>(name: Name, steps: &C, settings: &FallbackSettings) -> Self {
        let steps = (0..C::LEN).map(|index| (steps.state(index).clone(), steps.clear(index))).collect();
        Self(Arc::new(Inner {
            name,
            settings: LiveSettings::new(settings),
            steps,
            counters: Counters::shared(),
            usage: Usage::new(),
            log_limit: LogLimit::default(),
            events: EventSender::new(),
        }))
    }

    /// Returns an error if the handle was created for other steps than these.
    pub(crate) fn check_steps<C: Chain>(&self, steps: &C) -> Result<(), InvalidSetting> {
        let own = &self.0.steps;
        let is_own = |index: usize| own.get(index).is_some_and(|(state, _)| state.is_same(steps.state(index)));
        if own.len() == C::LEN && (0..C::LEN).all(is_own) {
            return Ok(());
        }
        let given: Vec<_> = (0..C::LEN).map(|index| steps.state(index).name().to_string()).collect();
        let own: Vec<_> = own.iter().map(|(state, _)| state.name().to_string()).collect();
        let allowed = format!(
            "must be the steps that the handle {:?} was created for, not new ones: {}",
            self.0.name,
            own.join(", ")
        );
        Err(InvalidSetting::new("steps", given.join(", "), allowed))
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Returns the current settings.
    #[must_use]
    pub fn settings(&self) -> FallbackSettings {
        self.0.settings.get()
    }

    /// Changes the settings. Figures and status stay.
    ///
    /// # Errors
    /// A setting is out of its range; nothing is changed.
    pub fn reconfigure(&self, settings: &FallbackSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.settings.set(settings);
        Ok(())
    }

    /// Switches the steps of this name on. Returns false if there is none.
    pub fn switch_on(&self, step: &str) -> bool {
        self.each(step, |(state, _)| state.switch(true))
    }

    /// Switches the steps of this name off: they neither run nor count, and a step with a cache neither answers nor
    /// caches. Returns false if there is none.
    pub fn switch_off(&self, step: &str) -> bool {
        self.each(step, |(state, _)| state.switch(false))
    }

    /// Empties the caches of the steps of this name (the last good answers). Returns false if there is no such step.
    pub fn clear(&self, step: &str) -> bool {
        self.each(step, |(_, clear)| clear.iter().for_each(Clear::run))
    }

    /// Returns the figures.
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

    /// Subscribes to the status: healthy (the fallback is not in use), degraded (steps answer) or unhealthy (every step
    /// failed). It improves with the first good answer after [`settle_after`](FallbackSettings::settle_after).
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.usage.subscribe()
    }

    /// Subscribes to the events: each answer of a step, each step that fails or is skipped, and each call for which every
    /// step failed.
    #[must_use]
    pub fn events(&self) -> Events<FallbackEvent> {
        self.0.events.subscribe()
    }

    /// Returns whether the steps run for an outcome of this class.
    pub(crate) fn covers(&self, class: Class) -> bool {
        self.0.settings.covers(class)
    }

    fn each(&self, name: &str, act: impl Fn(&(StepState, Option<Clear>))) -> bool {
        let mut named = self.0.steps.iter().filter(|(state, _)| state.name() == name).peekable();
        let found = named.peek().is_some();
        named.for_each(act);
        found
    }
}

impl fmt::Debug for FallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FallbackHandle").field(&self.snapshot()).finish()
    }
}
