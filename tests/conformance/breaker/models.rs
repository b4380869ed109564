//! The rule sets of the sources, as Mainstay's settings.

use std::time::Duration;

use mainstay_circuit_breaker::{
    BreakerSettings, Growth, OpenSettings, Recovery, SlowCalls, TrialCriteria, WindowSettings,
};
use serde_json::Value;

use crate::vector::{Fields, Vector};

pub(super) fn settings(vector: &Vector) -> BreakerSettings {
    let config = vector.config();
    let mut settings = match vector.kind() {
        "failure_rate_window" => resilience4j(config, longest_call(vector)),
        "count_ratio" => failsafe_go(config),
        "generation_counts" => gobreaker(config),
        "ratio_sampling_single_probe" => polly(config),
        "consecutive_sampled_half_open" => cockatiel_consecutive(config),
        "count_strict" => cockatiel_count(config),
        "consecutive_success_threshold" => pybreaker(config),
        other => panic!("unknown model {other}"),
    };
    if (settings.consecutive_failures, settings.failure_rate, settings.slow_calls) == (None, None, None) {
        // A source may turn off all rules. Mainstay requires one: this one does not open the breaker in a vector.
        settings.consecutive_failures = Some(1_000_000);
    }
    settings
}

/// Settings without rules and without jitter; each source adds its own rules.
fn bare(open: Duration) -> BreakerSettings {
    BreakerSettings {
        consecutive_failures: None,
        failure_rate: None,
        abandoned_after: None,
        open: OpenSettings { jitter: 0.0, ..OpenSettings::constant(open) },
        ..BreakerSettings::default()
    }
}

fn trials(permits: u32, lease: Option<Duration>, criteria: TrialCriteria) -> Recovery {
    Recovery::Trials { permits, lease: lease.unwrap_or(Duration::from_secs(3600)), criteria }
}

/// Converts a rate in percent. The source turns a rule off by a rate above a hundred.
fn rate(percent: f64) -> Option<f64> {
    (percent <= 100.0).then_some(percent / 100.0)
}

/// Returns the duration of the longest call. Calls take no time on the source's clock, but do here: it is added to each
/// lease.
fn longest_call(vector: &Vector) -> Duration {
    vector.steps().filter_map(|(_, step)| step.millis("duration_ms")).max().unwrap_or_default()
}

fn resilience4j(config: &Value, longest_call: Duration) -> BreakerSettings {
    let failure_rate = rate(config.number("failure_rate_threshold").unwrap());
    let slow_rate = rate(config.number("slow_call_rate_threshold").unwrap());
    let permits = config.count("permitted_half_open");
    let criteria = TrialCriteria::Rate { calls: permits, failure_rate: failure_rate.unwrap_or(1.0) };
    let growing = &config["wait_open"]["exponential"];
    let mut settings = bare(config.millis("wait_open_ms").or(growing.millis("initial_ms")).unwrap());
    if growing.is_object() {
        // The source grows by 1.5; Mainstay doubles.
        settings.open = OpenSettings { growth: Growth::Doubling, max: Duration::from_secs(3600), ..settings.open };
    }
    BreakerSettings {
        failure_rate,
        slow_calls: slow_rate.map(|rate| SlowCalls { duration: config.millis("slow_call_duration_ms").unwrap(), rate }),
        window: match config["window"].text("type") {
            Some("time") => WindowSettings::Last(Duration::from_secs(config["window"].count("seconds").into())),
            _ => WindowSettings::LastCalls(config["window"].count("size")),
        },
        minimum_calls: config.count("minimum_calls"),
        recovery: trials(permits, config.millis("max_wait_half_open_ms").map(|lease| lease + longest_call), criteria),
        ..settings
    }
}

/// Opens at a number of failures among a number of calls. Closes by such a rule too: its own, or else the same.
fn failsafe_go(config: &Value) -> BreakerSettings {
    let (failures, calls) = (config.count("failure_threshold"), config.count("failure_capacity"));
    let (successes, trial_calls) = (config.count("success_threshold"), config.count("success_capacity"));
    let (calls_in_trial, failures_in_trial) = match successes {
        0 => (calls, failures),
        _ => (trial_calls, trial_calls - successes + 1),
    };
    let failure_rate = f64::from(failures_in_trial) / f64::from(calls_in_trial);
    BreakerSettings {
        failure_rate: Some(f64::from(failures) / f64::from(calls)),
        window: WindowSettings::LastCalls(calls),
        minimum_calls: calls,
        recovery: trials(calls_in_trial, None, TrialCriteria::Rate { calls: calls_in_trial, failure_rate }),
        ..bare(config.millis("delay_ms").unwrap())
    }
}

fn gobreaker(config: &Value) -> BreakerSettings {
    let (trip, permits) = (&config["trip"], config.count("max_requests_half_open"));
    let settings = BreakerSettings {
        recovery: trials(permits, None, TrialCriteria::Successes(permits)),
        ..bare(config.millis("timeout_ms").unwrap())
    };
    match trip.number("consecutive_failures_gt") {
        Some(failures) => BreakerSettings { consecutive_failures: Some(failures as u32 + 1), ..settings },
        None => BreakerSettings {
            failure_rate: trip.number("failure_ratio_gte"),
            window: WindowSettings::Last(config.millis("interval_ms").unwrap()),
            minimum_calls: trip.count("min_requests"),
            ..settings
        },
    }
}

fn polly(config: &Value) -> BreakerSettings {
    BreakerSettings {
        failure_rate: config.number("failure_ratio"),
        window: WindowSettings::Last(config.millis("sampling_ms").unwrap()),
        minimum_calls: config.count("minimum_throughput"),
        recovery: trials(1, None, TrialCriteria::Successes(1)),
        ..bare(config.millis("break_ms").unwrap())
    }
}

fn cockatiel_consecutive(config: &Value) -> BreakerSettings {
    let calls = config["half_open"].count("calls");
    BreakerSettings {
        consecutive_failures: Some(config["breaker"].count("consecutive")),
        recovery: trials(calls, None, TrialCriteria::Successes(calls)),
        ..bare(config.millis("half_open_after_ms").unwrap())
    }
}

fn cockatiel_count(config: &Value) -> BreakerSettings {
    BreakerSettings {
        failure_rate: config.number("threshold"),
        window: WindowSettings::LastCalls(config.count("size")),
        minimum_calls: config.count("minimum_calls"),
        ..bare(Duration::from_secs(60))
    }
}

fn pybreaker(config: &Value) -> BreakerSettings {
    let successes = config.count("success_threshold");
    BreakerSettings {
        consecutive_failures: Some(config.count("fail_max")),
        recovery: trials(successes, None, TrialCriteria::Successes(successes)),
        ..bare(config.millis("reset_timeout_ms").unwrap())
    }
}
