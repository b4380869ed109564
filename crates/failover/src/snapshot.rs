//! Snapshots: where traffic goes, why, since when, and what is missing for its return.

use std::{fmt, time::Duration};

use mainstay_circuit_breaker::{BreakerSnapshot, State};
use mainstay_core::{BudgetSnapshot, Name, Tally, escaped};

use crate::{
    probe::ProbeReport,
    route::FailoverState,
    status::{FAILED_EVERYWHERE, no_cover},
};

/// A snapshot of a failover, for pages, metrics and logs. Its `Display` is one sentence for operators.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailoverSnapshot {
    /// The failover's name.
    pub name: Name,
    /// The state.
    pub state: FailoverState,
    /// The endpoint in use; none while requests are refused. In a dry run: the one that would be in use.
    pub active: Option<Name>,
    /// The address of the endpoint in use, without user and password.
    pub url: Option<String>,
    /// Whether decisions are only logged, and requests go to the primary.
    pub dry_run: bool,
    /// The time since the last change.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub for_time: Duration,
    /// The reason of the last change; empty before the first.
    pub reason: String,
    /// The number of changes so far.
    pub epoch: u64,
    /// The time until traffic can return to the primary, if every probe succeeds. `None` on the primary, without a probe
    /// schedule, when an operator has to order the return, and when all are down and trial requests decide.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub earliest_return: Option<Duration>,
    /// Second attempts within one request.
    pub second_attempts: SecondAttempts,
    /// Requests that were refused because no endpoint was usable.
    pub refused: u64,
    /// Requests that failed at every endpoint that was asked. They count against no endpoint.
    pub failed_everywhere: u64,
    /// The last 100 requests since the first of them, and how many of these failed at every endpoint that was asked.
    pub failed_everywhere_lately: Tally,
    /// The most frequent kind of their last 16 failures with its count; empty without failures.
    pub failed_everywhere_kinds: String,
    /// Whether so many requests failed at every endpoint that the status is degraded: for at least 10 s, and until there
    /// have been few for 30 s.
    pub fails_everywhere: bool,
    /// Whether the probes run that the settings ask for. False before the first request in a runtime, and after the
    /// runtime that ran them has ended, until the next request in another one.
    pub probing: bool,
    /// Every endpoint, in order.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// Counts of second attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SecondAttempts {
    /// Sent because the first attempt failed.
    pub on_error: u64,
    /// Sent because the first attempt gave no answer within the delay.
    pub on_delay: u64,
    /// Second attempts whose answer the caller got.
    pub won: u64,
    /// Second attempts that the budget refused.
    pub refused: u64,
}

/// A snapshot of one endpoint.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EndpointSnapshot {
    /// The endpoint's name.
    pub name: Name,
    /// The endpoint's address, without user and password.
    pub url: Option<String>,
    /// Whether traffic goes here.
    pub active: bool,
    /// The rest of the hold; `None` outside of one, and while it is waived because no endpoint is usable.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub hold_left: Option<Duration>,
    /// Consecutive departures, less one per healthy period since.
    pub departures: u32,
    /// Consecutive requests that failed, except those that failed at every endpoint.
    pub consecutive_failures: u32,
    /// Consecutive probe rounds that failed.
    pub failed_probes: u32,
    /// The most frequent kind of the last 16 failures with its count; empty without failures, and if it is not known.
    pub failure_kinds: String,
    /// The requests since the first failure that was compared, at most the last 100: those that were answered, and those
    /// that failed here and were answered elsewhere; and how many failed.
    pub compared: Tally,
    /// Whether first attempts go elsewhere while a probe decides on the endpoint.
    pub suspended: bool,
    /// How often first attempts went elsewhere while a probe decided on the endpoint. No departures.
    pub suspensions: u32,
    /// The endpoint that it is compared with: each first attempt goes to either of them by chance.
    pub compared_with: Option<Name>,
    /// How often it was compared with another endpoint, because requests failed that no other endpoint was asked.
    pub comparisons: u32,
    /// Requests in flight that wait for the endpoint past the delay, without a second attempt.
    pub overdue: u32,
    /// Why the endpoint is not usable; empty for a usable endpoint.
    pub cause: String,
    /// What is missing for the endpoint to be usable again, in words; empty for a usable endpoint.
    pub missing: String,
    /// How long a request waits for an answer of this endpoint before its second attempt; `None` when only errors start
    /// one.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub second_attempt_delay: Option<Duration>,
    /// The median of the last 100 answers, at least 20; `None` while `slow_ratio` is off.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub median_answer: Option<Duration>,
    /// The address that the probe asks, without user, password and query; `None` if the probe has none.
    pub probe_url: Option<String>,
    /// The report of the newest probe round.
    pub last_probe: Option<ProbeReport>,
    /// The time until the next probe round; `None` without a schedule.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub next_probe: Option<Duration>,
    /// Probe rounds.
    pub probes: u64,
    /// Probe rounds that failed.
    pub probes_failed: u64,
    /// Probe rounds that ended after the endpoint's state had changed, and changed nothing.
    pub probes_late: u64,
    /// The budget of second attempts at this endpoint.
    pub budget: BudgetSnapshot,
    /// The endpoint's breaker: state, rates, counts.
    pub breaker: BreakerSnapshot,
}

// === impl FailoverSnapshot ===

impl fmt::Display for FailoverSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ", self.name)?;
        match (self.state, &self.active) {
            (FailoverState::AllDown, None) => write!(f, "down and refuses requests")?,
            (FailoverState::AllDown, Some(active)) => write!(f, "down and tries {active}")?,
            (FailoverState::Forced, Some(active)) => write!(f, "forced to {active}")?,
            (_, Some(active)) => write!(f, "on {active}")?,
            (_, None) => write!(f, "on no endpoint")?,
        }
        write!(f, " for {}", tenths(self.for_time))?;
        if self.dry_run {
            write!(f, " (dry run: requests go to the primary)")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", escaped(&self.reason))?;
        }
        if self.fails_everywhere {
            let Tally { hits, calls, .. } = self.failed_everywhere_lately;
            write!(f, "; {hits} of the last {calls} requests {FAILED_EVERYWHERE}")?;
            if !self.failed_everywhere_kinds.is_empty() {
                write!(f, " ({})", self.failed_everywhere_kinds)?;
            }
        }
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.suspended) {
            write!(f, "; {} is suspended until its probe has ended", endpoint.name)?;
        }
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.active) {
            if let Some(other) = &endpoint.compared_with {
                write!(f, "; {} and {other} get half of the requests each, to compare their failures", endpoint.name)?;
            }
        }
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.overdue > 0) {
            write!(f, "; requests that wait for {} past the delay: {}", endpoint.name, endpoint.overdue)?;
        }
        self.fmt_cover(f)?;
        let Some(primary) = self.endpoints.first() else { return Ok(()) };
        if primary.missing.is_empty() {
            return match self.state {
                FailoverState::OnBackup => {
                    write!(f, "; {} is usable: traffic returns when return_now() is called", primary.name)
                }
                _ => Ok(()),
            };
        }
        if !self.reason.contains(&primary.cause) {
            write!(f, "; {} was left: {}", primary.name, escaped(&primary.cause))?;
        }
        let failing = primary.last_probe.as_ref().filter(|report| !report.is_healthy());
        match (failing, self.earliest_return) {
            // The earliest return would begin anew with every probe.
            (Some(report), Some(_)) => {
                write!(f, "; {} waits for its probe, which fails", primary.name)?;
                let outcome = report.outcome.to_string();
                if !primary.cause.contains(&outcome) {
                    write!(f, ": {outcome}")?;
                }
            }
            (None, Some(left)) => write!(f, "; back on {} in {} at the earliest", primary.name, tenths(left))?,
            (_, None) => write!(f, "; {} is not back", primary.name)?,
        }
        write!(f, " (missing: {})", primary.missing)
    }
}

impl FailoverSnapshot {
    /// Writes which endpoints after the one in use would not take over.
    fn fmt_cover(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_chosen = matches!(self.state, FailoverState::OnPrimary | FailoverState::OnBackup);
        let Some(active) = self.active.as_ref().filter(|_| is_chosen) else { return Ok(()) };
        let later = self.endpoints.iter().skip_while(|endpoint| !endpoint.active);
        for standby in later.filter(|endpoint| endpoint.breaker.state == State::Open) {
            write!(f, "; {}: {}", standby.name, escaped(no_cover(active, &standby.cause)))?;
        }
        Ok(())
    }
}

/// Returns a time rounded up to the tenth of a second, for people.
pub(crate) fn tenths(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100);
    match tenths % 10 {
        0 => format!("{}s", tenths / 10),
        rest => format!("{}.{rest}s", tenths / 10),
    }
}
