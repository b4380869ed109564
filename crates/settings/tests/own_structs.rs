//! Structs of a program: what `off` means in them, and what errors say about nested settings.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use mainstay_circuit_breaker::BreakerSettings;
use mainstay_core::{InvalidSetting, settings};
use mainstay_failover::stack::{DependencySettings, StandardSettings};
use mainstay_settings::{Sources, from_toml};
use serde::{Deserialize, de::DeserializeOwned};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Program {
    switch: Option<String>,
    level: Option<u32>,
    #[serde(with = "settings::or_off")]
    limit: Option<u32>,
    #[serde(with = "settings::or_off::duration")]
    idle: Option<Duration>,
}

fn fine<T>(_: &T) -> Result<(), InvalidSetting> {
    Ok(())
}

/// Defect: `off` was read as `None` for every `Option`.
#[test]
fn off_is_text_for_an_option_that_is_not_marked() {
    let read = |text: &str| from_toml(text, fine::<Program>).map_err(|error| error.to_string());
    let program = read("switch = 'off'\nlimit = 'off'\nidle = 'off'").unwrap();
    assert_eq!(program, Program { switch: Some("off".to_owned()), ..Program::default() });
    let program = read("switch = 'on'\nlevel = 3\nlimit = 4\nidle = '1m'").unwrap();
    assert_eq!((program.level, program.limit, program.idle), (Some(3), Some(4), Some(60 * SECOND)));
    assert_eq!(read("level = 'off'").unwrap_err(), r#"line 1: level = "off": must be a whole number, 0 to 4294967295"#);
    let number = "must be a whole number, 0 to 4294967295";
    assert_eq!(read("limit = 'many'").unwrap_err(), format!("line 1: limit = \"many\": {number}, or \"off\""));

    let variables = [("P__SWITCH", "off"), ("P__LIMIT", "off"), ("P__LEVEL", "7")];
    let program = Sources::none().variables("P", variables).read(fine::<Program>).unwrap();
    assert_eq!(program, Program { switch: Some("off".to_owned()), level: Some(7), ..Program::default() });
}

#[cfg(feature = "json")]
#[test]
fn null_is_none_for_every_option() {
    let text = r#"{ "switch": null, "level": null, "limit": null, "idle": null }"#;
    assert_eq!(mainstay_settings::from_json(text, fine::<Program>).unwrap(), Program::default());
}

fn wrong<T: DeserializeOwned>(text: &str, validate: fn(&T) -> Result<(), InvalidSetting>) -> String {
    match Sources::toml(text).read(validate) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// Every setting of a variant is named with its whole path, as a file has it.
#[test]
fn errors_have_the_whole_path() {
    let stack = |text: &str| wrong(text, StandardSettings::validate);
    let dependency = |text: &str| wrong(text, DependencySettings::validate);
    let breaker = |text: &str| wrong(text, BreakerSettings::validate);
    assert_eq!(
        stack("[retry.backoff.shape]\nexponential = { factor = 0.5 }"),
        "line 2: retry.backoff.shape.exponential.factor = 0.5: must be 1 to 1000"
    );
    assert_eq!(
        stack("retry.backoff.jitter.proportional.share = 7"),
        "line 1: retry.backoff.jitter.proportional.share = 7: must be 0 to 1"
    );
    let trials = |lease: &str, criteria: &str| {
        format!("[recovery.trials]\npermits = 1\nlease = '{lease}'\n[recovery.trials.criteria]\n{criteria}")
    };
    assert_eq!(breaker(&trials("0s", "successes = 1")), r#"line 3: recovery.trials.lease = "0s": must be 1ms to 365d"#);
    assert_eq!(
        breaker(&trials("1s", "successes = 0")),
        "line 5: recovery.trials.criteria.successes = 0: must be 1 to 1000000"
    );
    assert_eq!(
        breaker(&trials("1s", "rate = { calls = 5, failure_rate = 2 }")),
        "line 5: recovery.trials.criteria.rate.failure_rate = 2: must be above 0 and at most 1"
    );
    assert_eq!(
        breaker("recovery.probes = { successes = 1, fresh_for = '0s' }"),
        r#"line 1: recovery.probes.fresh_for = "0s": must be 1ms to 365d"#
    );
    assert_eq!(breaker("[window]\nlast = '1ms'"), r#"line 2: window.last = "1ms": must be 10ms to 365d"#);
    let short_lease = "attempt_timeout = '10s'\n[breaker.recovery.trials]\npermits = 1\nlease = '10s'\n\
        criteria = { successes = 1 }";
    assert_eq!(
        dependency(short_lease),
        r#"line 1: attempt_timeout = "10s": must be below breaker.recovery.trials.lease, 10s"#
    );
}

/// The value is shown as it was written, and a default that contradicts it with the line of what was written.
#[test]
fn contradiction_names_both_settings_and_the_line_of_what_was_written() {
    let stack = |text: &str| {
        let read = Sources::toml(text).table("stack").read(StandardSettings::validate);
        read.map(drop).map_err(|error| error.to_string()).unwrap_err()
    };
    assert_eq!(
        stack("[stack]\nattempt_timeout = '1800s'\ntotal_timeout = '30m'"),
        r#"line 2: stack.attempt_timeout = "1800s": must be below total_timeout, 30m"#
    );
    assert_eq!(
        stack("[stack]\n\ntotal_timeout = '5s'"),
        "line 3: stack.attempt_timeout = 10s (default): must be below total_timeout, 5s"
    );
    assert_eq!(
        stack("[stack]\n[stack.failover.hold]\nbase = '10m'"),
        "line 3: stack.failover.hold.max = 5m (default): must be at least base, 10m"
    );
    assert_eq!(
        stack("[stack]\n[stack.failover.probe]\ninterval = '1s'\ntimeout = '1s'"),
        r#"line 4: stack.failover.probe.timeout = "1s": must be below interval, 1s"#
    );
    assert_eq!(
        stack("[stack]\n[stack.retry_budget]\ncost = 20"),
        "line 3: stack.retry_budget.cap = 10 (default): must be at least cost, 20"
    );
    assert_eq!(
        stack("[stack.retry.backoff]\ncap = '50ms'"),
        "line 2: stack.retry.backoff.base = 100ms (default): must be at most cap, 50ms"
    );
    let breaker = wrong("[breaker.window]\nlast_calls = 5", DependencySettings::validate);
    assert_eq!(breaker, "line 2: breaker.minimum_calls = 20 (default): must be at most window.last_calls, 5");

    let variables = [("ORDERS__TOTAL_TIMEOUT", "5s")];
    let read = Sources::none().variables("ORDERS", variables).read(StandardSettings::validate).unwrap_err();
    let expected = "ORDERS__TOTAL_TIMEOUT: attempt_timeout = 10s (default): must be below total_timeout, 5s";
    assert_eq!((read.to_string().as_str(), read.variable()), (expected, Some("ORDERS__TOTAL_TIMEOUT")));
}
