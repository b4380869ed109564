//! What operators can order. Every order is logged with its author.

use std::sync::PoisonError;

use mainstay_core::{InvalidSetting, Name};

use crate::{FailoverHandle, FailoverSettings, plan::forced, route::Route};

impl FailoverHandle {
    /// Sends everything to one endpoint, whatever its state, until [`automatic`](Self::automatic).
    ///
    /// # Errors
    /// No endpoint of that name.
    pub fn force(&self, endpoint: &str, author: impl Into<Name>) -> Result<(), InvalidSetting> {
        let index = self.index(endpoint)?;
        let reason = format!("forced by {}", author.into().escape_debug());
        self.0.operate(|_| self.0.control.force(Some(index)), &reason);
        Ok(())
    }

    /// Ends [`force`](Self::force).
    pub fn automatic(&self, author: impl Into<Name>) {
        let reason = format!("set to automatic by {}", author.into().escape_debug());
        self.0.operate(|_| self.0.control.force(None), &reason);
    }

    /// Returns to the primary at once, whatever hold and gate say; the way back under
    /// [`ReturnMode::Manual`](crate::ReturnMode::Manual). Does not end [`force`](Self::force).
    pub fn return_now(&self, author: impl Into<Name>) {
        let (router, author) = (&*self.0, author.into());
        if let Some(primary) = router.tiers.first().filter(|primary| !primary.is_usable()) {
            primary.breaker.reset(author.clone());
        }
        let reason = format!("returned by {}", author.escape_debug());
        router.operate(|route| route.store(Route::PRIMARY), &reason);
    }

    /// A declared hard failure: the endpoint said "take me out". It is left at once.
    ///
    /// # Errors
    /// No endpoint of that name.
    pub fn take_out(&self, endpoint: &str, reason: impl Into<String>) -> Result<(), InvalidSetting> {
        self.0.tiers[self.index(endpoint)?].breaker.trip(reason);
        self.0.observe();
        Ok(())
    }

    /// Counts every endpoint as usable, with empty windows and no memory of departures.
    pub fn reset(&self, author: impl Into<Name>) {
        let author = author.into();
        self.0.tiers.iter().for_each(|tier| tier.breaker.reset(author.clone()));
        self.0.observe();
    }

    /// Takes other settings, and keeps states, windows, holds, probes and listeners. The windows and the budgets
    /// themselves are fixed.
    ///
    /// # Errors
    /// A setting out of its range, or another window or budget.
    pub fn reconfigure(&self, settings: FailoverSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let (router, now) = (&*self.0, self.0.settings());
        if settings.budget() != now.budget() {
            let allowed = "can't change on a live failover (it follows consecutive_failures unless it is set)";
            return Err(InvalidSetting::new("second_attempt.budget", format!("{:?}", settings.budget()), allowed));
        }
        for tier in &router.tiers {
            tier.breaker.reconfigure(settings.breaker(tier.is_probed()))?;
        }
        if settings.probe != now.probe {
            router.stop_probing();
        }
        *router.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.into();
        router.configure();
        router.start_probing();
        router.observe();
        Ok(())
    }

    /// The endpoint that an operator chose, if any.
    #[must_use]
    pub fn forced_to(&self) -> Option<&Name> {
        forced(self.0.control.load()).and_then(|index| self.0.tiers.get(index)).map(|tier| &tier.info.name)
    }

    #[cfg(feature = "stack")]
    pub(crate) fn all_probed(&self) -> bool {
        self.0.tiers.iter().all(|tier| tier.is_probed())
    }

    fn index(&self, endpoint: &str) -> Result<usize, InvalidSetting> {
        let names = || self.0.tiers.iter().map(|tier| tier.info.name.as_str());
        let unknown =
            || InvalidSetting::new("endpoint", endpoint, format!("must be one of {:?}", names().collect::<Vec<_>>()));
        names().position(|name| name == endpoint).ok_or_else(unknown)
    }
}
