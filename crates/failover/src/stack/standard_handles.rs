//! The handles of the standard stack, and the change of all their settings at once.

use std::{fmt, sync::Arc};

use mainstay_bulkhead::Limit;
use mainstay_core::{Budget, InvalidSetting, Name, Newest};
use mainstay_retry::Retrier;
use mainstay_timeout::TimeLimit;

use crate::{FailoverHandle, endpoint::EndpointInfo};

use super::{common, settings::StandardSettings, text};

/// The handles of a standard stack, for pages, metrics and operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StandardHandles {
    /// The total timeout.
    pub total: TimeLimit,
    /// The retries and their budget.
    pub retry: Retrier,
    /// The failover.
    pub failover: FailoverHandle,
    /// The handles of each endpoint, in their order.
    pub endpoints: Vec<EndpointHandles>,
    /// Whether the retry budget was handed over, so that its settings are not this stack's.
    has_foreign_budget: bool,
    /// Two changes at once would each be applied in part.
    newest: Arc<Newest<StandardSettings>>,
}

/// The handles of one endpoint of a standard stack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointHandles {
    /// The endpoint's name.
    pub name: Name,
    /// The limit on concurrent calls.
    pub limit: Limit,
    /// The attempt timeout.
    pub attempt: TimeLimit,
}

// === impl StandardHandles ===

impl StandardHandles {
    /// Creates the handles for settings that are valid together.
    pub(super) fn new(
        name: Name,
        endpoints: Vec<EndpointInfo>,
        settings: StandardSettings,
    ) -> Result<Self, InvalidSetting> {
        let handles = endpoints.iter().map(|info| {
            let limit = Limit::with_settings(&info.name, settings.bulkhead);
            let attempt = TimeLimit::attempt(&info.name, settings.attempt_timeout)?;
            Ok(EndpointHandles {
                name: info.name.clone(),
                limit: limit.map_err(|error| error.within("bulkhead"))?,
                attempt,
            })
        });
        let handles = handles.collect::<Result<_, InvalidSetting>>()?;
        let failover = settings.failover_in_stack();
        Ok(Self {
            total: TimeLimit::total(&name, settings.total_timeout)?,
            retry: common::retrier(&name, settings.retry, settings.retry_budget)?,
            failover: FailoverHandle::build(name, endpoints, failover)?,
            endpoints: handles,
            has_foreign_budget: false,
            newest: Arc::default(),
        })
    }

    pub(super) fn with_retry_budget(self, budget: Budget) -> Self {
        Self { retry: self.retry.with_budget(budget), has_foreign_budget: true, ..self }
    }

    /// Replaces the settings while requests run: all of them or none. States, windows, holds, budgets, permits and running
    /// timers stay; new times apply to what begins afterwards. Settings without effect are logged.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another, or one that a live stack can't change: the
    /// failover's window and its second attempts' budget. No setting changes then.
    pub fn reconfigure(&self, settings: &StandardSettings) -> Result<(), InvalidSetting> {
        self.check(settings)?;
        self.newest.set(settings.clone(), |settings| self.apply(settings))?;
        let _logged = settings.warnings().log(self.failover.name());
        Ok(())
    }

    fn check(&self, settings: &StandardSettings) -> Result<(), InvalidSetting> {
        settings.validate_for(self.failover.board.endpoints.iter().all(|endpoint| endpoint.is_probed))?;
        self.failover.check(&settings.failover_in_stack()).map_err(|error| error.within("failover"))
    }

    /// Applies settings that were checked.
    fn apply(&self, settings: &StandardSettings) -> Result<(), InvalidSetting> {
        self.failover.reconfigure(settings.failover_in_stack()).map_err(|error| error.within("failover"))?;
        self.retry.reconfigure(settings.retry.clone())?;
        if !self.has_foreign_budget {
            self.retry.reconfigure_budget(settings.retry_budget.clone())?;
        }
        self.total.set(settings.total_timeout)?;
        for endpoint in &self.endpoints {
            endpoint.limit.reconfigure(settings.bulkhead)?;
            endpoint.attempt.set(settings.attempt_timeout)?;
        }
        Ok(())
    }
}

/// The layers, outermost first, each with its settings in force: for a page, a log, or a program's `--check`.
impl fmt::Display for StandardHandles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, outermost layer first:", self.failover.name())?;
        text::total_timeout(f, &self.total)?;
        text::retry(f, &self.retry)?;
        text::failover(f, &self.failover)?;
        for endpoint in &self.endpoints {
            write!(f, "\n{}:", endpoint.name)?;
            text::bulkhead(f, &endpoint.limit)?;
            text::attempt_timeout(f, &endpoint.attempt)?;
        }
        Ok(())
    }
}
