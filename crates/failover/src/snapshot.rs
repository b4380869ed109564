//! What a failover shows: why traffic is where it is, since when, and what is missing for its return.

use std::{fmt, time::Duration};

use mainstay_circuit_breaker::{BreakerSnapshot, State};
use mainstay_core::{BudgetSnapshot, Name};
use tokio::time::Instant;

use crate::{
    FailoverState, ProbeReport,
    plan::DRY_RUN,
    probing::{BAD, LATE, ROUNDS},
    route::Route,
    router::{Router, counter},
    tier::Tier,
};

/// One look at a failover, without I/O: for pages, badges, metrics and people.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailoverSnapshot {
    /// Its name.
    pub name: Name,
    /// What it is doing.
    pub state: FailoverState,
    /// The endpoint in use; none while requests are refused. In a dry run: the one that would be in use.
    pub active: Option<Name>,
    /// That endpoint's address.
    pub url: Option<String>,
    /// Whether all this is only logged, and requests go to the primary.
    pub dry_run: bool,
    /// For how long it has been so.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub for_time: Duration,
    /// Why; empty before the first change.
    pub reason: String,
    /// The number of changes so far.
    pub epoch: u64,
    /// When traffic may return to the primary at the earliest, if nothing fails. Unknown while no probe has
    /// succeeded, and when somebody must say so.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub earliest_return: Option<Duration>,
    /// Second attempts within one request.
    pub second_attempts: SecondAttempts,
    /// Requests that were refused because no endpoint was usable.
    pub refused: u64,
    /// Every endpoint, in order.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// Counts of second attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SecondAttempts {
    /// Sent because the first one failed.
    pub on_error: u64,
    /// Sent because the first one was silent.
    pub on_delay: u64,
    /// Those whose answer the caller got.
    pub won: u64,
    /// Those that the budget refused.
    pub refused: u64,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EndpointSnapshot {
    /// Its name.
    pub name: Name,
    /// Its address.
    pub url: Option<String>,
    /// Whether traffic goes here.
    pub active: bool,
    /// How long no traffic returns yet.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub hold_left: Option<Duration>,
    /// Departures in a row, less one per healthy period since.
    pub departures: u32,
    /// What is missing for its return, in words; empty for a usable endpoint.
    pub missing: String,
    /// How long an answer may take before a second attempt is made elsewhere; none when delay brings none.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub second_attempt_delay: Option<Duration>,
    /// What the newest round of probing found.
    pub last_probe: Option<ProbeReport>,
    /// When the next round begins; none without a schedule.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub next_probe: Option<Duration>,
    /// Rounds of probing.
    pub probes: u64,
    /// Bad ones among them.
    pub probes_failed: u64,
    /// Rounds whose answer came after the endpoint's state had changed, and changed nothing.
    pub probes_late: u64,
    /// What second attempts at this endpoint may yet be spent.
    pub budget: BudgetSnapshot,
    /// Its breaker: state, rates, counts.
    pub breaker: BreakerSnapshot,
}

// === impl Router ===

impl Router {
    pub(crate) fn snapshot(&self) -> FailoverSnapshot {
        self.observe();
        let now = Instant::now();
        let (route, epoch, for_time, reason) = {
            let log = self.log();
            let reason = log.last().map(|last| last.reason.clone()).unwrap_or_default();
            (self.route.load(), log.sequence, now.saturating_duration_since(log.since), reason)
        };
        let active = route.index.and_then(|index| self.tiers.get(index));
        let endpoints: Vec<_> = (0..self.tiers.len()).map(|index| self.endpoint(index, route, now)).collect();
        let [on_error, on_delay, won, refused_second, refused] = {
            let counts = self.counters.read();
            use counter::*;
            [SECOND_ON_ERROR, SECOND_ON_DELAY, SECOND_WON, SECOND_REFUSED, REFUSED].map(|place| counts[place])
        };
        FailoverSnapshot {
            name: self.name.clone(),
            state: route.state,
            active: active.map(|tier| tier.info.name.clone()),
            url: active.and_then(Tier::url),
            dry_run: self.control.load() & DRY_RUN != 0,
            for_time,
            reason,
            epoch,
            earliest_return: self.earliest_return(route, &endpoints),
            second_attempts: SecondAttempts { on_error, on_delay, won, refused: refused_second },
            refused,
            endpoints,
        }
    }

    pub(crate) fn active_name(&self) -> Option<Name> {
        self.route.load().index.and_then(|index| self.tiers.get(index)).map(|tier| tier.info.name.clone())
    }

    fn endpoint(&self, index: usize, route: Route, now: Instant) -> EndpointSnapshot {
        let tier = &self.tiers[index];
        let breaker = tier.breaker.snapshot();
        let due = tier.probing.due.load(std::sync::atomic::Ordering::Relaxed);
        let counts = tier.probing.counters.read();
        EndpointSnapshot {
            name: tier.info.name.clone(),
            url: tier.url(),
            active: route.index == Some(index),
            hold_left: breaker.open_left.filter(|left| !left.is_zero()),
            departures: breaker.openings,
            missing: missing(&breaker, tier.is_probed()),
            second_attempt_delay: self.delay(index),
            last_probe: tier.probing.newest(),
            next_probe: (due > 0).then(|| Duration::from_nanos(due.saturating_sub(self.nanos(now)))),
            probes: counts[ROUNDS],
            probes_failed: counts[BAD],
            probes_late: counts[LATE],
            budget: tier.budget.snapshot(),
            breaker,
        }
    }

    /// If every probe from now on succeeds: after the hold, and after the rounds that the gate still needs.
    fn earliest_return(&self, route: Route, endpoints: &[EndpointSnapshot]) -> Option<Duration> {
        let settings = self.settings();
        let primary = endpoints.first().filter(|_| route.index != Some(0) || route.state == FailoverState::AllDown)?;
        if route.state == FailoverState::Forced || settings.return_mode == crate::ReturnMode::Manual {
            return None;
        }
        let hold = primary.hold_left.unwrap_or_default();
        let rounds = match primary.breaker.recovery.map(|gate| gate.need - gate.have) {
            Some(0) | None => Duration::ZERO,
            Some(n) => primary.next_probe? + settings.probe.interval_counting.mul_f64(0.9) * (n - 1),
        };
        Some(hold.max(rounds))
    }
}

/// In words, the same for logs, pages and `Debug`.
fn missing(breaker: &BreakerSnapshot, probed: bool) -> String {
    let hold = breaker.open_left.filter(|left| !left.is_zero()).map(|left| format!("hold {}", shown(left)));
    let what = if probed { "probes" } else { "trial requests" };
    let gate = breaker.recovery.filter(|gate| gate.have < gate.need);
    let gate = gate.map(|gate| format!("{what} {} of {}", gate.have, gate.need));
    match breaker.state {
        State::Closed => String::new(),
        _ => hold.into_iter().chain(gate).collect::<Vec<_>>().join(", "),
    }
}

/// To the tenth of a second: finer is noise to a person.
fn shown(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100);
    match tenths % 10 {
        0 => format!("{}s", tenths / 10),
        rest => format!("{}.{rest}s", tenths / 10),
    }
}

impl Tier {
    fn url(&self) -> Option<String> {
        self.info.url.as_deref().map(str::to_owned)
    }
}

// === impl FailoverSnapshot ===

impl fmt::Display for FailoverSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Name| name.escape_debug().to_string();
        write!(f, "{} is ", name(&self.name))?;
        match (self.state, &self.active) {
            (FailoverState::AllDown, None) => write!(f, "down and refuses requests")?,
            (FailoverState::AllDown, Some(active)) => write!(f, "down and tries {}", name(active))?,
            (FailoverState::Forced, Some(active)) => write!(f, "forced to {}", name(active))?,
            (_, active) => write!(f, "on {}", active.as_ref().map(name).unwrap_or_default())?,
        }
        write!(f, " for {}", shown(self.for_time))?;
        if self.dry_run {
            write!(f, " (dry run: requests go to the primary)")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        let Some(primary) = self.endpoints.first().filter(|primary| !primary.missing.is_empty()) else { return Ok(()) };
        match self.earliest_return {
            Some(left) => write!(f, "; back on {} in {} at the earliest", name(&primary.name), shown(left))?,
            None => write!(f, "; {} is not back", name(&primary.name))?,
        }
        write!(f, " (missing: {})", primary.missing)
    }
}
