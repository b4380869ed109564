//! What a failover can be told.

use std::time::Duration;

use mainstay_circuit_breaker::{BreakerSettings, Recovery, TrialCriteria, WindowSettings};
use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::ProbeSettings;

mod hold;
mod second_attempt;

pub use hold::HoldSettings;
pub use second_attempt::SecondAttempt;

/// Settings of a [`Failover`](crate::Failover) and its [`FailoverHandle`](crate::FailoverHandle).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct FailoverSettings {
    /// Leave an endpoint after this many failures in a row, of requests or probes. Default 3.
    pub consecutive_failures: Option<u32>,
    /// Leave an endpoint when at least this share of the window failed, 0..=1: a row of failures alone never fires
    /// under fail, ok, fail, ok. Default 0.5.
    pub failure_rate: Option<f64>,
    /// What the rate is taken over. Default: the last 100 requests.
    pub window: WindowSettings,
    /// Below this many requests in the window the rate says nothing. Default 20.
    pub minimum_calls: u32,
    /// A request that its caller gave up on after this long counts as a failure. Default 1 s; `None` turns it off.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub abandoned_after: Option<Duration>,
    /// How long no traffic returns to an endpoint that was left.
    pub hold: HoldSettings,
    /// How many probes must succeed in a row before traffic returns. Default 3. For an endpoint without a probe: how
    /// many live requests, one at a time.
    pub recovery_successes: u32,
    /// For an endpoint without a probe: how long a live request that shows its recovery may take; longer is a failure.
    /// Default 30 s; keep it above the attempt timeout.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub trial_lease: Duration,
    /// Traffic returns as a growing share, from 10 % to all, over this long. Never at process start. Default: off.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ramp: Option<Duration>,
    /// Whether traffic returns by itself. Default: automatic.
    pub return_mode: ReturnMode,
    /// What to do when no endpoint is usable. Default: prefer the primary.
    pub all_down: AllDown,
    /// How long one request waits for an endpoint that is not ready before it looks at the next. Default 50 ms.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ready_timeout: Duration,
    /// A second attempt at the next endpoint within one request. Default: on.
    pub second_attempt: Option<SecondAttempt>,
    /// What endpoints count as before their first probe. Default: up.
    pub initial: Initial,
    /// Decide and log, but send everything to the primary. Default: off.
    pub dry_run: bool,
    /// How endpoints are probed.
    pub probe: ProbeSettings,
}

/// Whether traffic returns by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ReturnMode {
    /// As soon as hold and gate allow.
    #[default]
    Automatic,
    /// When somebody says so ([`FailoverHandle::return_now`](crate::FailoverHandle::return_now)), or when the endpoint
    /// in use fails in its turn.
    Manual,
}

/// What to do when no endpoint is usable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AllDown {
    /// Send to the first endpoint whose newest probe succeeded, though its hold runs on; without one, to the primary.
    #[default]
    PreferPrimary,
    /// Refuse, with [`Reason::NoHealthyEndpoint`](mainstay_core::Reason::NoHealthyEndpoint).
    Refuse,
    /// Send to the last endpoint of the list.
    LastResort,
}

/// What endpoints count as before their first probe, which decides either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Initial {
    /// Usable.
    #[default]
    Up,
    /// Not usable; the first good probe makes it so, without a hold. An endpoint without a probe starts up all the same.
    Down,
}

// === impl FailoverSettings ===

impl FailoverSettings {
    /// Checks every field and their consistency.
    ///
    /// # Errors
    /// A field out of its range, or in contradiction to another.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let second = Duration::from_secs(1);
        settings::count("recovery_successes", self.recovery_successes.into(), 1..=1_000)?;
        settings::duration("trial_lease", self.trial_lease, SHORTEST..=LONGEST)?;
        settings::duration("ready_timeout", self.ready_timeout, SHORTEST..=60 * second)?;
        if let Some(ramp) = self.ramp {
            settings::duration("ramp", ramp, SHORTEST..=LONGEST)?;
        }
        if self.consecutive_failures.is_none() && self.failure_rate.is_none() {
            let allowed = "must be set when failure_rate is not: an endpoint would never be left";
            return Err(InvalidSetting::new("consecutive_failures", "none", allowed));
        }
        self.probe.validate().map_err(|error| error.within("probe"))?;
        self.hold.validate().map_err(|error| error.within("hold"))?;
        if let Some(second_attempt) = &self.second_attempt {
            second_attempt.validate().map_err(|error| error.within("second_attempt"))?;
        }
        self.breaker(true).validate()
    }

    /// The settings of the breaker of one endpoint. Without a probe, live requests must show the recovery: one at a
    /// time, so that a dead endpoint costs one slow request per hold.
    pub(crate) fn breaker(&self, probed: bool) -> BreakerSettings {
        let recovery = match probed {
            true => Recovery::Probes { successes: self.recovery_successes, fresh_for: self.probe.fresh_for() },
            false => Recovery::Trials {
                permits: 1,
                lease: self.trial_lease,
                criteria: TrialCriteria::Successes(self.recovery_successes),
            },
        };
        BreakerSettings {
            consecutive_failures: self.consecutive_failures,
            failure_rate: self.failure_rate,
            window: self.window,
            minimum_calls: self.minimum_calls,
            // Failover notices abandoned calls itself, without a clock read for calls that answer at once.
            abandoned_after: None,
            open: self.hold.open(),
            recovery,
            ..BreakerSettings::default()
        }
    }

    /// The budget of second attempts at one endpoint.
    pub(crate) fn budget(&self) -> BudgetSettings {
        let own = self.second_attempt.as_ref().and_then(|second| second.budget.clone());
        own.unwrap_or_else(|| BudgetSettings {
            allowance: f64::from(self.consecutive_failures.unwrap_or(3).min(9_999)) + 1.0,
            allowance_refill: Some(Duration::from_secs(1)),
            ..BudgetSettings::default()
        })
    }
}

impl Default for FailoverSettings {
    fn default() -> Self {
        Self {
            consecutive_failures: Some(3),
            failure_rate: Some(0.5),
            window: WindowSettings::LastCalls(100),
            minimum_calls: 20,
            abandoned_after: Some(Duration::from_secs(1)),
            hold: HoldSettings::default(),
            recovery_successes: 3,
            trial_lease: Duration::from_secs(30),
            ramp: None,
            return_mode: ReturnMode::Automatic,
            all_down: AllDown::PreferPrimary,
            ready_timeout: Duration::from_millis(50),
            second_attempt: Some(SecondAttempt::default()),
            initial: Initial::Up,
            dry_run: false,
            probe: ProbeSettings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_name_their_field() {
        let wrong = |change: fn(&mut FailoverSettings)| {
            let mut settings = FailoverSettings::default();
            change(&mut settings);
            settings.validate().unwrap_err().field().to_owned()
        };
        assert_eq!(wrong(|s| s.recovery_successes = 0), "recovery_successes");
        assert_eq!(wrong(|s| s.ready_timeout = Duration::ZERO), "ready_timeout");
        assert_eq!(wrong(|s| s.failure_rate = Some(f64::NAN)), "failure_rate");
        assert_eq!(wrong(|s| s.consecutive_failures = Some(0)), "consecutive_failures");
        assert_eq!(wrong(|s| s.hold.jitter = -1.0), "hold.jitter");
        assert_eq!(wrong(|s| s.hold.max = s.hold.base / 2), "hold.max");
        assert_eq!(wrong(|s| s.ramp = Some(Duration::ZERO)), "ramp");
        assert_eq!(wrong(|s| s.probe.timeout = s.probe.interval), "probe.timeout");
        assert_eq!(
            wrong(|s| (s.consecutive_failures, s.failure_rate) = (None, None)),
            "consecutive_failures",
            "nothing would ever leave"
        );
        assert!(FailoverSettings::default().validate().is_ok());
    }
}
