//! The handle: settings, budget, random source and counters of one operation's retries.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use mainstay_core::{Budget, BudgetSettings, EventSender, Events, InvalidSetting, Name, Random};

use crate::{
    Adaptive, RetryEvent, RetrySettings, RetrySnapshot, live_settings::LiveSettings, stats::Stats, warned::Warned,
};

/// The handle of one operation's retries: settings, budget and figures.
///
/// All clones share one state. Pass a clone to a [`RetryLayer`](crate::RetryLayer), call [`run`](Self::run) for a plain
/// function, or do both: they share budget, history and figures.
///
/// Each handle has a [`Budget`] by default. If several handles retry requests to *one* dependency, share one budget
/// among them with [`with_budget`](Self::with_budget).
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_retry::Retrier;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let retrier = Retrier::database("load order");
/// let result = retrier
///     .run(|attempt| async move { if attempt < 2 { Err(BoxError::from("deadlock")) } else { Ok("order") } })
///     .await;
/// assert_eq!(result.unwrap(), "order");
/// let figures = retrier.snapshot();
/// assert_eq!((figures.attempts, figures.succeeded_after_retry), (2, 1));
/// # }
/// ```
#[derive(Clone)]
pub struct Retrier(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) name: Name,
    pub(crate) live: LiveSettings,
    settings: Mutex<RetrySettings>,
    /// Used while `live.has_budget()`.
    budget: Budget,
    pub(crate) random: Random,
    pub(crate) adaptive: Adaptive,
    pub(crate) stats: Stats,
    pub(crate) warned: Warned,
    pub(crate) events: EventSender<RetryEvent>,
}

// === impl Retrier ===

impl Retrier {
    /// Creates a handle with the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), RetrySettings::default())
    }

    /// Creates a handle with the settings for calls over a network: see [`RetrySettings::network`].
    #[must_use]
    pub fn network(name: impl Into<Name>) -> Self {
        Self::build(name.into(), RetrySettings::network())
    }

    /// Creates a handle with the settings for a database: see [`RetrySettings::database`].
    #[must_use]
    pub fn database(name: impl Into<Name>) -> Self {
        Self::build(name.into(), RetrySettings::database())
    }

    /// Creates a handle with the settings for a third-party API: see [`RetrySettings::api`].
    #[must_use]
    pub fn api(name: impl Into<Name>) -> Self {
        Self::build(name.into(), RetrySettings::api())
    }

    /// Creates a handle with these settings.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: RetrySettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self::build(name, settings))
    }

    pub(crate) fn build(name: Name, settings: RetrySettings) -> Self {
        Self(Arc::new(Inner::new(name, settings)))
    }

    /// Sets the budget, which other handles may share.
    ///
    /// Call it before the handle is shared: earlier clones keep their own settings, budget and figures, and a warning is
    /// logged. To change the settings of a budget that is in use, see [`Budget::reconfigure`].
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        self.changed("with_budget", |inner| {
            inner.budget = budget;
            inner.live.set_budget(true);
        })
    }

    /// Removes the budget: every request may use all its attempts, whatever load that puts on a dependency that is
    /// down. For tests, and for background work with few and slow retries. Call it before the handle is shared;
    /// [`reconfigure_budget`](Self::reconfigure_budget) turns the budget off, and on again, later.
    #[must_use]
    pub fn without_budget(self) -> Self {
        self.changed("without_budget", |inner| inner.live.set_budget(false))
    }

    /// Sets the random source of the jitter, so that tests are repeatable. Call it before the handle is shared.
    #[must_use]
    pub fn with_random(self, random: Random) -> Self {
        self.changed("with_random", |inner| inner.random = random)
    }

    fn changed(self, method: &'static str, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::try_unwrap(self.0).unwrap_or_else(|shared| {
            tracing::warn!(
                retrier = %shared.name, method,
                "the handle is shared already, so this makes a second one: `reconfigure` and the figures of the first do \
                 not concern it; call the method before the handle is cloned"
            );
            let second = Inner::new(shared.name.clone(), shared.settings());
            second.live.set_budget(shared.live.has_budget());
            Inner { budget: shared.budget.clone(), ..second }
        });
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Changes the settings for new requests, and the delays of requests in flight. Budget, history and figures stay.
    ///
    /// # Errors
    /// A setting is out of its range; nothing is changed.
    pub fn reconfigure(&self, settings: RetrySettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let mut current = self.0.settings.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.live.set(&settings);
        self.0.warned.reset();
        *current = settings;
        Ok(())
    }

    /// Changes the settings of the budget, or turns it off with `None`, while requests run. A budget that is turned on
    /// again has the tokens that it had and that have not expired; successes that came meanwhile have earned none.
    ///
    /// New settings of a budget that other handles share apply to these, too. Off applies to this handle alone.
    ///
    /// # Errors
    /// A setting is out of its range; nothing is changed.
    pub fn reconfigure_budget(&self, settings: Option<BudgetSettings>) -> Result<(), InvalidSetting> {
        let is_on = settings.is_some();
        if let Some(settings) = settings {
            self.0.budget.reconfigure(settings)?;
        }
        self.0.live.set_budget(is_on);
        Ok(())
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Returns the current settings.
    #[must_use]
    pub fn settings(&self) -> RetrySettings {
        self.0.settings()
    }

    /// Returns the budget, if there is one.
    #[must_use]
    pub fn budget(&self) -> Option<&Budget> {
        self.0.budget()
    }

    /// Returns the figures. They are the sums of per-thread counters, and exact once no request is in flight.
    #[must_use]
    pub fn snapshot(&self) -> RetrySnapshot {
        let inner = &*self.0;
        let success_rate = inner.live.is_adaptive().then(|| inner.adaptive.success_rate());
        inner.stats.snapshot(inner.name.clone(), success_rate, inner.budget().map(Budget::snapshot))
    }

    /// Subscribes to the events: each scheduled retry, and each failed request that is not retried.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use mainstay_retry::{Retrier, RetryEvent};
    /// let retrier = Retrier::new("orders");
    /// tokio::spawn(retrier.events().for_each(|received| match received.event {
    ///     RetryEvent::Scheduled { attempt, delay, .. } => println!("attempt {attempt} failed, the next in {delay:?}"),
    ///     RetryEvent::GaveUp { reason, .. } => println!("{} gave up: {reason}", received.name),
    ///     _ => {}
    /// }));
    /// let _down = retrier.run(|_attempt| async { Err::<(), _>("down") }).await;
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events<RetryEvent> {
        self.0.events.subscribe()
    }
}

impl fmt::Debug for Retrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, .. } = &*self.0;
        f.debug_struct("Retrier")
            .field("name", name)
            .field("settings", &self.settings())
            .field("budget", &self.budget())
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn new(name: Name, settings: RetrySettings) -> Self {
        let live = LiveSettings::default();
        live.set(&settings);
        live.set_budget(true);
        Self {
            name,
            live,
            settings: Mutex::new(settings),
            budget: Budget::new(),
            random: Random::new(),
            adaptive: Adaptive::new(),
            stats: Stats::new(),
            warned: Warned::default(),
            events: EventSender::new(),
        }
    }

    /// Returns the budget, unless it is off.
    #[inline]
    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.live.has_budget().then_some(&self.budget)
    }

    pub(crate) fn settings(&self) -> RetrySettings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
