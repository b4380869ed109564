//! Operators' orders. Each is logged with its author.

use std::sync::Arc;

use mainstay_core::{BudgetSettings, InvalidSetting, Name, escaped, settings::human};

use crate::{FailoverHandle, FailoverSettings, selector::EndpointView, switchboard::Order};

impl FailoverHandle {
    /// Sends all requests to one endpoint, whatever its state, until [`automatic`](Self::automatic).
    ///
    /// # Errors
    /// No endpoint of that name.
    pub fn force(&self, endpoint: &str, author: impl Into<Name>) -> Result<(), InvalidSetting> {
        let index = self.index(endpoint)?;
        let reason = format!("forced by {}", escaped(author.into()));
        self.board.execute(Order::Force(Some(index)), &reason);
        Ok(())
    }

    /// Ends [`force`](Self::force).
    pub fn automatic(&self, author: impl Into<Name>) {
        let reason = format!("set to automatic by {}", escaped(author.into()));
        self.board.execute(Order::Force(None), &reason);
    }

    /// Returns to the primary at once, without waiting for hold and probes; under
    /// [`ReturnMode::Manual`](crate::ReturnMode::Manual) traffic returns by this order. Does not end
    /// [`force`](Self::force).
    pub fn return_now(&self, author: impl Into<Name>) {
        let author = author.into();
        if let Some(primary) = self.board.endpoints.first().filter(|primary| !primary.is_usable()) {
            primary.breaker.reset(author.clone());
        }
        self.board.execute(Order::Return, &format!("returned by {}", escaped(author)));
    }

    /// Leaves an endpoint at once: a declared hard failure, as when the endpoint reports its own maintenance.
    ///
    /// # Errors
    /// No endpoint of that name.
    pub fn take_out(&self, endpoint: &str, reason: impl Into<String>) -> Result<(), InvalidSetting> {
        self.board.endpoints[self.index(endpoint)?].breaker.trip(reason);
        self.board.observe();
        Ok(())
    }

    /// Makes every endpoint usable, with empty windows and no counted departures.
    pub fn reset(&self, author: impl Into<Name>) {
        let author = author.into();
        self.board.endpoints.iter().for_each(|endpoint| endpoint.breaker.reset(author.clone()));
        self.board.observe();
    }

    /// Replaces the settings, and keeps states, windows, holds, probe results and receivers. The sizes of windows and
    /// budgets cannot change.
    ///
    /// # Errors
    /// A setting out of its range, or another window or budget.
    pub fn reconfigure(&self, settings: FailoverSettings) -> Result<(), InvalidSetting> {
        self.check(&settings)?;
        let probe = settings.probe.clone();
        if self.board.live.store(settings).probe != probe {
            self.prober.stop();
        }
        // No lock is held, because a change of a breaker runs its subscribers. With other settings stored meanwhile, this
        // thread may have set older ones after newer ones, so it begins again.
        loop {
            let settings = self.board.live.all();
            for endpoint in &self.board.endpoints {
                endpoint.breaker.reconfigure(settings.breaker(endpoint.is_probed, self.board.endpoints.len() == 1))?;
            }
            self.configure();
            if Arc::ptr_eq(&settings, &self.board.live.all()) {
                return Ok(());
            }
        }
    }

    /// Checks whether [`reconfigure`](Self::reconfigure) accepts these settings, and changes nothing: for programs that
    /// reconfigure several handles or none.
    ///
    /// # Errors
    /// A setting out of its range, or another window or budget.
    pub fn check(&self, settings: &FailoverSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        check_budget(&settings.budget(), &self.board.live.all().budget())?;
        let is_alone = self.board.endpoints.len() == 1;
        let mut endpoints = self.board.endpoints.iter();
        endpoints.try_for_each(|endpoint| endpoint.breaker.check(&settings.breaker(endpoint.is_probed, is_alone)))
    }

    /// Returns the endpoint that an operator chose, if any.
    #[must_use]
    pub fn forced_to(&self) -> Option<&Name> {
        let index = self.board.control.load().forced()?;
        self.board.endpoints.get(index).map(|endpoint| &endpoint.name)
    }

    fn index(&self, endpoint: &str) -> Result<usize, InvalidSetting> {
        let names = || self.board.endpoints.iter().map(|endpoint| endpoint.name.as_str());
        let unknown =
            || InvalidSetting::new("endpoint", endpoint, format!("must be one of {:?}", names().collect::<Vec<_>>()));
        names().position(|name| name == endpoint).ok_or_else(unknown)
    }
}

/// Returns an error that names the first setting in which the budgets differ: a live budget does not change.
fn check_budget(given: &BudgetSettings, live: &BudgetSettings) -> Result<(), InvalidSetting> {
    fn fields(budget: &BudgetSettings) -> [(&'static str, String); 7] {
        let refill = budget.allowance_refill.map_or_else(|| "off".to_owned(), |refill| human(refill).to_string());
        [
            ("earned_per_success", budget.earned_per_success.to_string()),
            ("cost", budget.cost.to_string()),
            ("cost_throttled", budget.cost_throttled.to_string()),
            ("expiry", human(budget.expiry).to_string()),
            ("cap", budget.cap.to_string()),
            ("allowance", budget.allowance.to_string()),
            ("allowance_refill", refill),
        ]
    }
    let pairs = fields(given).into_iter().zip(fields(live));
    match pairs.into_iter().find(|((_, given), (_, live))| given != live) {
        None => Ok(()),
        Some(((field, given), (_, live))) => {
            let allowed =
                format!("can't change on a live failover, where it is {live} (unset, it follows consecutive_failures)");
            let wrong = InvalidSetting::new(field, given, allowed).within("budget").within("second_attempt");
            Err(wrong.bounded_by("consecutive_failures"))
        }
    }
}
