//! The handles of the stack around one dependency, and the change of all their settings at once.

use std::{fmt, sync::Arc};

use mainstay_bulkhead::Limit;
use mainstay_circuit_breaker::Breaker;
use mainstay_core::{Budget, InvalidSetting, Name, Newest};
use mainstay_fallback::FallbackHandle;
use mainstay_retry::Retrier;
use mainstay_timeout::TimeLimit;

use super::{common, dependency_settings::DependencySettings, text};

/// The handles of the stack around one dependency, for pages, metrics and operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DependencyHandles {
    /// The fallback, if the stack has one.
    pub fallback: Option<FallbackHandle>,
    /// The total timeout.
    pub total: TimeLimit,
    /// The retries and their budget.
    pub retry: Retrier,
    /// The circuit breaker.
    pub breaker: Breaker,
    /// The limit on concurrent calls.
    pub limit: Limit,
    /// The attempt timeout.
    pub attempt: TimeLimit,
    /// Whether the retry budget was handed over, so that its settings are not this stack's.
    has_foreign_budget: bool,
    /// The settings of two changes at once are not mixed.
    newest: Arc<Newest<DependencySettings>>,
}

// === impl DependencyHandles ===

impl DependencyHandles {
    /// Creates the handles for settings that are valid together.
    pub(super) fn new(
        name: &Name,
        settings: DependencySettings,
        fallback: Option<FallbackHandle>,
    ) -> Result<Self, InvalidSetting> {
        Ok(Self {
            fallback,
            total: TimeLimit::total(name, settings.total_timeout)?,
            retry: common::retrier(name, settings.retry, settings.retry_budget)?,
            breaker: Breaker::with_settings(name, settings.breaker)?,
            limit: Limit::with_settings(name, settings.bulkhead)?,
            attempt: TimeLimit::attempt(name, settings.attempt_timeout)?,
            has_foreign_budget: false,
            newest: Arc::default(),
        })
    }

    pub(super) fn with_retry_budget(self, budget: Budget) -> Self {
        Self { retry: self.retry.with_budget(budget), has_foreign_budget: true, ..self }
    }

    /// Replaces the settings while requests run: all of them or none. States, windows, budgets, permits and running timers
    /// stay; new times apply to what begins afterwards. Settings without effect are logged.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another, or one that a live stack can't change: the breaker's
    /// window, and its rule for slow calls if that was off. No setting changes then.
    pub fn reconfigure(&self, settings: &DependencySettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.breaker.check(&settings.breaker).map_err(|error| error.within("breaker"))?;
        self.newest.set(settings.clone(), |settings| self.apply(settings))?;
        let _logged = settings.warnings(self.fallback.is_some()).log(self.breaker.name());
        Ok(())
    }

    /// Applies settings that were checked.
    fn apply(&self, settings: &DependencySettings) -> Result<(), InvalidSetting> {
        self.breaker.reconfigure(settings.breaker.clone()).map_err(|error| error.within("breaker"))?;
        if let Some(fallback) = &self.fallback {
            fallback.reconfigure(&settings.fallback)?;
        }
        self.retry.reconfigure(settings.retry.clone())?;
        if !self.has_foreign_budget {
            self.retry.reconfigure_budget(settings.retry_budget.clone())?;
        }
        self.total.set(settings.total_timeout)?;
        self.limit.reconfigure(settings.bulkhead)?;
        self.attempt.set(settings.attempt_timeout)
    }
}

/// The layers, outermost first, each with its settings in force: for a page, a log, or a program's `--check`.
impl fmt::Display for DependencyHandles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, outermost layer first:", self.breaker.name())?;
        if let Some(fallback) = &self.fallback {
            text::fallback(f, fallback)?;
        }
        text::total_timeout(f, &self.total)?;
        text::retry(f, &self.retry)?;
        text::breaker(f, &self.breaker)?;
        text::bulkhead(f, &self.limit)?;
        text::attempt_timeout(f, &self.attempt)
    }
}
