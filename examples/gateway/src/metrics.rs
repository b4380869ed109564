//! `/metrics`: the snapshots of all handles in the format of Prometheus. They are taken at the scrape: a
//! request does no work for this format.

use mainstay_bulkhead::{Limit, LimitSnapshot};
use mainstay_circuit_breaker::State;
use mainstay_failover::{EndpointSnapshot, FailoverSnapshot, FailoverState};
use mainstay_retry::RetrySnapshot;

use crate::handles::Handles;

mod text;

pub(crate) use text::CONTENT_TYPE;
use text::Text;

/// Returns all metrics. Names follow those in common use, if there are any.
pub(crate) fn text(handles: &Handles) -> String {
    let mut text = Text::default();
    gateway(&mut text, handles);
    bulkheads(&mut text, handles);
    timeouts(&mut text, handles);
    let failover = handles.stack.failover.snapshot();
    breakers(&mut text, &failover);
    self::failover(&mut text, &failover);
    probes(&mut text, &failover);
    retry(&mut text, &handles.stack.retry.snapshot());
    text.into_string()
}

fn gateway(text: &mut Text, handles: &Handles) {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("environment", handles.environment.as_str())];
    text.gauges("gateway_info", "Version and environment; always 1.").sample(labels, 1);
    let uptime = handles.started.elapsed().as_secs_f64();
    text.gauges("gateway_uptime_seconds", "Time since the start.").sample([], uptime);
    let ready = u8::from(handles.health.is_ready());
    text.gauges("gateway_ready", "1 if /ready succeeds.").sample([], ready);
    let connections = handles.connections.snapshot();
    text.gauges("gateway_connections", "Connections of clients.").sample([], connections.open);
    text.gauges("gateway_connection_limit", "Connections that may be open.").sample([], connections.limit);
    text.counters("gateway_connections_refused_total", "Connections above the limit and its reserve.")
        .sample([], connections.refused);
    let help = "Answers to clients by class of status and endpoint; endpoint gateway: its own. Answers of its own paths are \
                not counted.";
    let mut responses = text.counters("gateway_responses_total", help);
    for (endpoint, class, count) in handles.responses.read() {
        responses.sample([("endpoint", endpoint), ("status", class)], count);
    }
}

fn bulkheads(text: &mut Text, handles: &Handles) {
    let limits = handles.stack.endpoints.iter().map(|endpoint| &endpoint.limit);
    let limits: Vec<_> = std::iter::once(&handles.entrance).chain(limits).map(Limit::snapshot).collect();
    let mut active = text.gauges("bulkhead_active_calls", "Calls in flight.");
    limits.iter().for_each(|limit| active.sample([resource(limit)], limit.in_flight));
    let mut most = text.gauges("bulkhead_limit", "Calls that may be in flight.");
    limits.iter().for_each(|limit| most.sample([resource(limit)], limit.limit));
    let mut used = text.gauges("bulkhead_utilization_ratio", "Calls in flight as a share of the limit.");
    limits.iter().for_each(|limit| used.sample([resource(limit)], limit.utilisation));
    let mut permitted = text.counters("bulkhead_permitted_calls_total", "Calls that were admitted.");
    limits.iter().for_each(|limit| permitted.sample([resource(limit)], limit.permitted));
    let mut rejected = text.counters("bulkhead_rejected_calls_total", "Calls that were refused.");
    limits.iter().for_each(|limit| rejected.sample([resource(limit)], limit.rejected.total()));
}

fn resource(limit: &LimitSnapshot) -> (&str, &str) {
    ("resource", &limit.name)
}

fn timeouts(text: &mut Text, handles: &Handles) {
    let attempts = handles.stack.endpoints.iter().map(|endpoint| ("attempt", &endpoint.attempt));
    let mut timeouts = text.counters("timeout_calls_total", "Calls that reached their timeout.");
    for (scope, limit) in std::iter::once(("total", &handles.stack.total)).chain(attempts) {
        let limit = limit.snapshot();
        timeouts.sample([("scope", scope), ("name", &*limit.name)], limit.timed_out);
    }
}

/// Writes the metrics of each endpoint's circuit breaker.
fn breakers(text: &mut Text, failover: &FailoverSnapshot) {
    let breakers = || failover.endpoints.iter().map(|endpoint| &endpoint.breaker);
    let mut states = text.gauges("circuit_breaker_state", "1 for the current state of the breaker.");
    for breaker in breakers() {
        for (state, name) in [(State::Closed, "closed"), (State::Open, "open"), (State::HalfOpen, "half_open")] {
            states.sample([("name", &*breaker.name), ("state", name)], u8::from(breaker.state == state));
        }
    }
    let mut calls = text.counters("circuit_breaker_calls_total", "Calls by outcome.");
    for breaker in breakers() {
        let outcomes = [
            ("success", breaker.successes),
            ("failure", breaker.failures),
            ("overloaded", breaker.overloaded),
            ("rejected", breaker.rejected_below),
            ("ignored", breaker.ignored),
            ("refused", breaker.refused),
            // Calls whose client gave up early, and attempts that another backend overtook. They count for nothing.
            ("abandoned", breaker.dropped),
        ];
        for (outcome, count) in outcomes {
            calls.sample([("name", &*breaker.name), ("outcome", outcome)], count);
        }
    }
    let mut failures =
        text.counters("circuit_breaker_failures_total", "Calls that failed; a 503 counts as overloaded.");
    for breaker in breakers() {
        failures.sample([("name", &*breaker.name)], breaker.failures);
    }
}

fn failover(text: &mut Text, failover: &FailoverSnapshot) {
    let name = &*failover.name;
    let mut states = text.gauges("failover_state", "1 for the current state of the failover.");
    for state in [FailoverState::OnPrimary, FailoverState::OnBackup, FailoverState::AllDown, FailoverState::Forced] {
        states.sample([("failover", name), ("state", state.as_str())], u8::from(failover.state == state));
    }
    per_endpoint(text, failover, "failover_active", "1 for the endpoint that receives the requests.", |endpoint| {
        f64::from(u8::from(endpoint.active))
    });
    per_endpoint(
        text,
        failover,
        "failover_hold_seconds",
        "Time until traffic may return to the endpoint.",
        |endpoint| endpoint.hold_left.unwrap_or_default().as_secs_f64(),
    );
    per_endpoint(
        text,
        failover,
        "failover_budget_tokens",
        "Second attempts that the endpoint may still receive.",
        |endpoint| endpoint.budget.balance,
    );

    let overdue = "Requests in flight that wait past the delay, without a second attempt.";
    per_endpoint(text, failover, "failover_overdue_requests", overdue, |endpoint| f64::from(endpoint.overdue));

    let time = failover.for_time.as_secs_f64();
    text.gauges("failover_state_seconds", "Time in the current state.").sample([("failover", name)], time);
    text.counters("failover_transitions_total", "Changes of state.").sample([("failover", name)], failover.epoch);
    let everywhere = "Requests that failed at every endpoint that was asked; they count against none.";
    text.counters("failover_failed_everywhere_total", everywhere)
        .sample([("failover", name)], failover.failed_everywhere);
    let mut suspensions =
        text.counters("failover_suspensions_total", "How often first attempts went elsewhere while a probe decided.");
    for endpoint in &failover.endpoints {
        suspensions.sample([("failover", name), ("endpoint", &*endpoint.name)], endpoint.suspensions);
    }
    let compared = "How often the endpoint was compared with another one: each got half of the first attempts.";
    let mut comparisons = text.counters("failover_comparisons_total", compared);
    for endpoint in &failover.endpoints {
        comparisons.sample([("failover", name), ("endpoint", &*endpoint.name)], endpoint.comparisons);
    }
    let refused = "Requests refused because no endpoint was usable.";
    text.counters("failover_refused_total", refused).sample([("failover", name)], failover.refused);
    let second = failover.second_attempts;
    let causes = "Attempts at a second endpoint, by cause.";
    let mut attempts = text.counters("failover_second_attempts_total", causes);
    attempts.sample([("failover", name), ("cause", "error")], second.on_error);
    attempts.sample([("failover", name), ("cause", "delay")], second.on_delay);
    text.counters("failover_second_attempts_won_total", "Second attempts whose answer was used.")
        .sample([("failover", name)], second.won);
    text.counters("failover_second_attempts_refused_total", "Second attempts that the budget refused.")
        .sample([("failover", name)], second.refused);
}

fn probes(text: &mut Text, failover: &FailoverSnapshot) {
    let mut probes = text.counters("failover_probes_total", "Probes by result.");
    for endpoint in &failover.endpoints {
        let good = endpoint.probes.saturating_sub(endpoint.probes_failed);
        for (result, count) in [("good", good), ("bad", endpoint.probes_failed)] {
            let labels = [("failover", &*failover.name), ("endpoint", &*endpoint.name), ("result", result)];
            probes.sample(labels, count);
        }
    }
}

fn retry(text: &mut Text, retry: &RetrySnapshot) {
    let operation = [("operation", &*retry.name)];
    text.counters("retry_calls_total", "Requests received.").sample(operation, retry.calls);
    text.counters("retry_attempts_total", "Attempts made for these requests.").sample(operation, retry.attempts);
    text.counters("retry_success_total", "Requests that succeeded after a failed attempt.")
        .sample(operation, retry.succeeded_after_retry);
    let amplification = retry.attempts as f64 / retry.calls.max(1) as f64;
    text.gauges("retry_amplification_ratio", "Attempts per request.").sample(operation, amplification);
    if let Some(budget) = &retry.budget {
        text.gauges("retry_budget_tokens", "Retries that the budget still allows.").sample(operation, budget.balance);
    }
}

fn per_endpoint(
    text: &mut Text,
    failover: &FailoverSnapshot,
    name: &'static str,
    help: &str,
    value: fn(&EndpointSnapshot) -> f64,
) {
    let mut gauges = text.gauges(name, help);
    for endpoint in &failover.endpoints {
        gauges.sample([("failover", &*failover.name), ("endpoint", &*endpoint.name)], value(endpoint));
    }
}
