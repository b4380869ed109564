//! The settings of a budget.

use std::time::Duration;

use crate::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`Budget`](crate::Budget), in tokens with at most two decimals.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BudgetSettings {
    /// The tokens that a success earns. Default 0.25: four successes pay for one retry.
    pub earned_per_success: f64,
    /// The cost of a retry. Default 1.
    pub cost: f64,
    /// The cost of a retry after an overload. Default 0.35, because the server allows it by its answer.
    pub cost_throttled: f64,
    /// The longest lifetime of an earned token; the shortest is nine tenths of it. Default 10 s: older successes say nothing
    /// about the present.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub expiry: Duration,
    /// The upper limit of the balance, unless one second of successes earns more. Default 10.
    pub cap: f64,
    /// Tokens that need not be earned. Default 1, so that a fresh client's first failure is not final.
    pub allowance: f64,
    /// The time in which one token of the allowance refills. Default: never, so that retries stop during an outage. Set
    /// it for clients with less than one request a second, whose earned tokens expire before they are needed.
    #[cfg_attr(feature = "serde", serde(with = "crate::settings::or_off::duration"))]
    pub allowance_refill: Option<Duration>,
}

// === impl BudgetSettings ===

impl BudgetSettings {
    /// Validates every field.
    ///
    /// # Errors
    /// A field out of its range, or with more than two decimals.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        tokens("earned_per_success", self.earned_per_success, 0.0, 1.0)?;
        tokens("cost", self.cost, 0.01, 100.0)?;
        tokens("cost_throttled", self.cost_throttled, 0.01, 100.0)?;
        tokens("cap", self.cap, 0.01, 10_000.0)?;
        if self.cap < self.cost {
            let allowed = format!("must be at least cost, {}", self.cost);
            return Err(InvalidSetting::new("cap", self.cap, allowed).bounded_by("cost"));
        }
        tokens("allowance", self.allowance, 0.0, 10_000.0)?;
        settings::duration("expiry", self.expiry, Duration::from_secs(1)..=Duration::from_secs(3600))?;
        match self.allowance_refill {
            Some(refill) => settings::duration("allowance_refill", refill, SHORTEST..=LONGEST),
            None => Ok(()),
        }
    }
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            earned_per_success: 0.25,
            cost: 1.0,
            cost_throttled: 0.35,
            expiry: Duration::from_secs(10),
            cap: 10.0,
            allowance: 1.0,
            allowance_refill: None,
        }
    }
}

fn tokens(field: &str, value: f64, low: f64, high: f64) -> Result<(), InvalidSetting> {
    let in_range = (low..=high).contains(&value);
    match in_range && (value * 100.0 - (value * 100.0).round()).abs() < 1e-6 {
        true => Ok(()),
        false => {
            let allowed = format!("must be {low} to {high}, with at most two decimals");
            Err(InvalidSetting::new(field, value, allowed))
        }
    }
}
