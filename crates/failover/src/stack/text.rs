//! The layers of a stack and their settings in force, as text for a page, a log or a `--check` of the program.

use std::fmt;

use mainstay_bulkhead::Limit;
use mainstay_circuit_breaker::{Breaker, Recovery, WindowSettings};
use mainstay_core::settings::human;
use mainstay_fallback::FallbackHandle;
use mainstay_retry::Retrier;
use mainstay_timeout::TimeLimit;

use crate::FailoverHandle;

/// Writes a layer and its settings on a line of its own, as the other functions of this file do.
pub(super) fn total_timeout(f: &mut fmt::Formatter<'_>, limit: &TimeLimit) -> fmt::Result {
    write!(f, "\n  total timeout: {}", human(limit.get()))
}

pub(super) fn attempt_timeout(f: &mut fmt::Formatter<'_>, limit: &TimeLimit) -> fmt::Result {
    write!(f, "\n  attempt timeout: {}", human(limit.get()))
}

pub(super) fn fallback(f: &mut fmt::Formatter<'_>, fallback: &FallbackHandle) -> fmt::Result {
    let settings = fallback.settings();
    let classes =
        [(settings.on_failure, "failures"), (settings.on_overloaded, "overloads"), (settings.on_rejected, "refusals")];
    let classes: Vec<_> = classes.iter().filter(|(is_on, _)| *is_on).map(|(_, class)| *class).collect();
    let steps = fallback.snapshot().steps;
    let steps: Vec<_> =
        steps.iter().map(|step| format!("{}{}", step.name, if step.on { "" } else { " (off)" })).collect();
    write!(f, "\n  fallback: {}, on {}", steps.join(", "), classes.join(", "))
}

pub(super) fn retry(f: &mut fmt::Formatter<'_>, retrier: &Retrier) -> fmt::Result {
    let settings = retrier.settings();
    let attempts = settings.max_attempts;
    if attempts == 1 {
        return write!(f, "\n  retry: off");
    }
    write!(f, "\n  retry: {attempts} attempts, {:?}", settings.backoff)?;
    if attempts > settings.attempt_quota {
        write!(f, ", at most {} by the quota", settings.attempt_quota)?;
    }
    match retrier.budget().map(mainstay_core::Budget::settings) {
        Some(budget) => write!(
            f,
            "; budget: {} earned by a success, {} for a retry, {} not earned",
            budget.earned_per_success, budget.cost, budget.allowance
        ),
        None => write!(f, "; no budget"),
    }
}

pub(super) fn breaker(f: &mut fmt::Formatter<'_>, breaker: &Breaker) -> fmt::Result {
    let settings = breaker.settings();
    let mut rules = Vec::new();
    rules.extend(settings.consecutive_failures.map(|failures| format!("{failures} failures in a row")));
    rules.extend(settings.failure_rate.map(|rate| format!("{} % failures", percent(rate))));
    let slow = settings.slow_calls;
    rules.extend(slow.map(|slow| format!("{} % calls of {} or more", percent(slow.rate), human(slow.duration))));
    let (window, minimum) = (window(settings.window), settings.minimum_calls);
    write!(f, "\n  circuit breaker: opens at {} ({window}, at least {minimum}), ", rules.join(" or "))?;
    write!(f, "for {} to {}", human(settings.open.base), human(settings.open.max))?;
    match settings.recovery {
        Recovery::Trials { permits, .. } => write!(f, "; {permits} trial calls at a time"),
        Recovery::Probes { successes, .. } => write!(f, "; {successes} good probes"),
    }
}

pub(super) fn failover(f: &mut fmt::Formatter<'_>, failover: &FailoverHandle) -> fmt::Result {
    let settings = failover.settings();
    let names: Vec<_> = failover.board.endpoints.iter().map(|endpoint| endpoint.name.to_string()).collect();
    write!(f, "\n  failover: {}; left after ", names.join(", "))?;
    let mut rules = Vec::new();
    rules.extend(settings.consecutive_failures.map(|failures| format!("{failures} failures in a row")));
    rules.extend(settings.failure_rate.map(|rate| format!("{} % failures", percent(rate))));
    write!(f, "{} ({}, at least {})", rules.join(" or "), window(settings.window), settings.minimum_calls)?;
    write!(f, "; hold {} to {}", human(settings.hold.base), human(settings.hold.max))?;
    match settings.second_attempt.and_then(|second| second.delay) {
        Some(delay) => write!(f, "; second attempt after {} or an error", human(delay)),
        None => Ok(()),
    }
}

pub(super) fn bulkhead(f: &mut fmt::Formatter<'_>, limit: &Limit) -> fmt::Result {
    let settings = limit.settings();
    write!(f, "\n  bulkhead: {} calls", settings.limit)?;
    match (settings.queue, settings.max_wait) {
        (0, _) => write!(f, ", no queue"),
        (queue, Some(wait)) => write!(f, ", {queue} queued for {}", human(wait)),
        (queue, None) => write!(f, ", {queue} queued"),
    }
}

fn window(window: WindowSettings) -> String {
    match window {
        WindowSettings::LastCalls(calls) => format!("of the last {calls} calls"),
        WindowSettings::Last(time) => format!("of the calls of {}", human(time)),
    }
}

fn percent(rate: f64) -> f64 {
    // Without the digits of a binary fraction.
    (rate * 10_000.0).round() / 100.0
}
