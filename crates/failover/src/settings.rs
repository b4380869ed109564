//! The settings of a failover.

use std::time::Duration;

use mainstay_circuit_breaker::{BreakerSettings, OpenSettings, Recovery, TrialCriteria, WindowSettings};
use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::ProbeSettings;

mod hold;
mod modes;
mod second_attempt;

pub use hold::HoldSettings;
pub use modes::{AllDown, Initial, ReturnMode};
pub use second_attempt::SecondAttempt;

/// Settings of a [`Failover`](crate::Failover) and its [`FailoverHandle`](crate::FailoverHandle).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct FailoverSettings {
    /// After this many consecutive requests that could not be handed over, an endpoint is left. After this many
    /// consecutive failures of other kinds, a probe decides; without a probe, the endpoint is left if another one has
    /// answered the same requests, and else compared with the next one ([`unproven_failure_rate`](Self::unproven_failure_rate)).
    /// Default 3.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub consecutive_failures: Option<u32>,
    /// Leave an endpoint when at least this share of the compared requests in the window failed, 0..=1: of successes, and
    /// failures of requests that another endpoint answered. Default 0.2.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub failure_rate: Option<f64>,
    /// Compare the endpoint in use with the next usable one when at least this share of the requests in the window failed,
    /// 0..=1, of successes and of failures of requests that no other endpoint was asked, as POSTs. While they are compared,
    /// for 3 to 30 s, each gets half of the first attempts, and the endpoint is left only if it fails a larger share than
    /// the next one. A single endpoint without a probe is left without a comparison. Default 0.5; a lower one leaves an
    /// endpoint that fails only its few writes.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub unproven_failure_rate: Option<f64>,
    /// The window of the rates. Default: the last 100 requests.
    pub window: WindowSettings,
    /// The number of requests in the window below which a rate is not used. Default 20.
    pub minimum_calls: u32,
    /// Leave the endpoint in use when its median answer takes at least this many times as long as that of the next usable
    /// endpoint, 1.5..=1000. The medians are those of the last 100 answers, and are compared when there are
    /// `minimum_calls` of each; those of an endpoint that is not in use come from second attempts. Default: off.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub slow_ratio: Option<f64>,
    /// A request that its caller drops after waiting this long counts as a failure that is not proven, and so does one that
    /// still waits then past its delay and that no other endpoint was asked (after twice this time, until the delay is
    /// measured). If a second endpoint has not answered either, the request has failed everywhere. Default 1 s; `None`
    /// turns it off. The tasks that a runtime drops when it ends count for nothing; what cannot be told apart is
    /// described at [`BreakerSettings`](mainstay_circuit_breaker::BreakerSettings::abandoned_after).
    ///
    /// This time, the delay of a second attempt, `slow_ratio` and `trial_lease` run from the last byte of the request's body,
    /// where the policy knows its [`UploadClock`](mainstay_core::UploadClock). The function form
    /// ([`run`](crate::FailoverHandle::run)) has no request, and counts from the call.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub abandoned_after: Option<Duration>,
    /// The minimum time that traffic stays away from an endpoint that was left.
    pub hold: HoldSettings,
    /// The number of consecutive successful probes before traffic returns. Default 3. For an endpoint without a probe:
    /// the number of successful trial requests, one at a time.
    pub recovery_successes: u32,
    /// The time that a trial request of an endpoint without a probe may take; a longer one is a failure. Default 30 s;
    /// keep it above the attempt timeout.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub trial_lease: Duration,
    /// The time over which traffic returns as a growing share, from 10 % to all. Not used at process start. Default:
    /// off.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub ramp: Option<Duration>,
    /// Whether traffic returns without an order. Default: automatic.
    pub return_mode: ReturnMode,
    /// Where requests go when no endpoint is usable and none has good news. Default: refuse with one endpoint, which
    /// then recovers by trial calls like a breaker; prefer the primary with several.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub all_down: Option<AllDown>,
    /// How long one request waits for an endpoint that is not ready before it tries the next. Default 50 ms.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ready_timeout: Duration,
    /// A second attempt at the next endpoint within one request. Default: on.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub second_attempt: Option<SecondAttempt>,
    /// Whether endpoints are usable before their first probe. Default: up.
    pub initial: Initial,
    /// Whether decisions are only logged, and all requests go to the primary. Default: off.
    pub dry_run: bool,
    /// The settings of the probes.
    pub probe: ProbeSettings,
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
        if let Some(rate) = self.unproven_failure_rate {
            settings::rate("unproven_failure_rate", rate)?;
        }
        if let Some(rate) = self.failure_rate {
            settings::rate("failure_rate", rate)?;
        }
        if let Some(ratio) = self.slow_ratio.filter(|ratio| !(1.5..=1_000.0).contains(ratio)) {
            return Err(InvalidSetting::new("slow_ratio", ratio, "must be 1.5 to 1000"));
        }
        if let Some(failures) = self.consecutive_failures {
            settings::count("consecutive_failures", failures.into(), 1..=1_000_000)?;
        }
        self.breaker(true, false).validate()
    }

    /// Whether a single endpoint without an order for "all down" recovers like a plain breaker.
    pub(crate) fn is_plain_breaker(&self, is_alone: bool) -> bool {
        is_alone && self.all_down.is_none()
    }

    /// Returns where requests go when no endpoint is usable.
    pub(crate) fn all_down(&self, is_alone: bool) -> AllDown {
        self.all_down.unwrap_or(if is_alone { AllDown::Refuse } else { AllDown::PreferPrimary })
    }

    /// Returns the settings of one endpoint's breaker. Without a probe the endpoint recovers by trial requests: one at a
    /// time, so that a dead endpoint costs one slow request per hold.
    pub(crate) fn breaker(&self, probed: bool, is_alone: bool) -> BreakerSettings {
        let is_plain_breaker = self.is_plain_breaker(is_alone);
        let recovery = match probed && !is_plain_breaker {
            true => Recovery::Probes { successes: self.recovery_successes, fresh_for: self.probe.fresh_for() },
            false => Recovery::Trials {
                permits: 1,
                lease: self.trial_lease,
                criteria: TrialCriteria::Successes(self.recovery_successes),
            },
        };
        BreakerSettings {
            // The breaker counts for pages and metrics; its rules open nothing. The failover's own signals do that.
            consecutive_failures: Some(1_000_000),
            failure_rate: None,
            window: self.window,
            minimum_calls: self.minimum_calls,
            // Failover records abandoned calls itself, without a clock read for calls that answer in their first poll.
            abandoned_after: None,
            open: if is_plain_breaker { OpenSettings::default() } else { self.hold.open() },
            recovery,
            ..BreakerSettings::default()
        }
    }

    /// Returns the budget of second attempts at one endpoint.
    pub(crate) fn budget(&self) -> BudgetSettings {
        let own = self.second_attempt.as_ref().and_then(|second| second.budget.clone());
        own.unwrap_or_else(|| {
            second_attempt::default_budget(self.consecutive_failures.unwrap_or(second_attempt::CONSECUTIVE_FAILURES))
        })
    }
}

impl Default for FailoverSettings {
    fn default() -> Self {
        Self {
            consecutive_failures: Some(second_attempt::CONSECUTIVE_FAILURES),
            failure_rate: Some(0.2),
            unproven_failure_rate: Some(0.5),
            window: WindowSettings::LastCalls(100),
            minimum_calls: 20,
            slow_ratio: None,
            abandoned_after: Some(Duration::from_secs(1)),
            hold: HoldSettings::default(),
            recovery_successes: 3,
            trial_lease: Duration::from_secs(30),
            ramp: None,
            return_mode: ReturnMode::Automatic,
            all_down: None,
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
    fn settings_out_of_range_are_refused_with_their_field() {
        let wrong = |change: fn(&mut FailoverSettings)| {
            let mut settings = FailoverSettings::default();
            change(&mut settings);
            settings.validate().unwrap_err().field().to_owned()
        };
        assert_eq!(wrong(|s| s.recovery_successes = 0), "recovery_successes");
        assert_eq!(wrong(|s| s.ready_timeout = Duration::ZERO), "ready_timeout");
        assert_eq!(wrong(|s| s.failure_rate = Some(f64::NAN)), "failure_rate");
        assert_eq!(wrong(|s| s.consecutive_failures = Some(0)), "consecutive_failures");
        assert_eq!(wrong(|s| s.slow_ratio = Some(1.0)), "slow_ratio");
        assert_eq!(wrong(|s| s.slow_ratio = Some(f64::NAN)), "slow_ratio");
        assert_eq!(wrong(|s| s.hold.jitter = -1.0), "hold.jitter");
        assert_eq!(wrong(|s| s.hold.max = s.hold.base / 2), "hold.max");
        assert_eq!(wrong(|s| s.ramp = Some(Duration::ZERO)), "ramp");
        assert_eq!(wrong(|s| s.probe.timeout = s.probe.interval), "probe.timeout");
        assert_eq!(
            wrong(|s| (s.consecutive_failures, s.failure_rate) = (None, None)),
            "consecutive_failures",
            "no endpoint would be left"
        );
        assert!(FailoverSettings::default().validate().is_ok());
    }
}
