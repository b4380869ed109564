//! Vectors of backoff delays.

use std::time::Duration;

use mainstay_core::{Backoff, InvalidSetting, Jitter, Random, settings::LONGEST};
use serde_json::{Value, json};

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

pub(crate) fn run(vector: &Vector) -> Check {
    let mut check = Check::default();
    let (backoff, expect) = (backoff(vector.config()), &vector.body["expect"]);
    match vector.kind() {
        "backoff" => {
            let upper = |number: &str| backoff.upper(number.parse().unwrap());
            check.expect_all(0, &expect["delay_ms_by_attempt"], |number| Some(millis(upper(number))));
        }
        "backoff_sequence" => {
            let delays = expect["delays_ms"].as_array().unwrap();
            let draws = Random::scripted(&[vector.config().number("random").unwrap_or_default()]);
            let ours = (1..=delays.len() as u32).map(|n| millis(backoff.delay(n, Duration::ZERO, &draws)));
            check.expect(0, "delays_ms", &expect["delays_ms"], ours.collect::<Value>());
        }
        "backoff_bounds" => {
            let base = backoff.base.as_secs_f64() * 1e3;
            let (low, high) = (bound(&backoff, 1, 0.0), bound(&backoff, 1, 1.0));
            check.expect_all(0, expect, |key| {
                Some(json!(match key {
                    "min_ms" => low,
                    "max_ms" => high,
                    "min_factor" => low / base,
                    "max_factor" => high / base,
                    other => panic!("unknown key {other}"),
                }))
            });
        }
        "backoff_bounds_by_attempt" => check.expect_all(0, expect, |number| {
            let number = number.parse().unwrap();
            Some(json!([bound(&backoff, number, 0.0), bound(&backoff, number, 1.0)]))
        }),
        "backoff_jitter" => {
            // In one source a small draw lengthens the delay, in Mainstay a large one.
            let mirrored = vector.config()["jitter"].is_object();
            for (number, case) in vector.list("cases").iter().enumerate() {
                let draw = case.number("random").unwrap();
                let delay = bound(&backoff, case.count("attempt"), if mirrored { 1.0 - draw } else { draw });
                check.expect(number, "delay_ms", &case["delay_ms"], delay);
            }
        }
        "backoff_stateful" => {
            for (number, case) in vector.list("cases").iter().enumerate() {
                check.expect(number, "delays_ms", &case["delays_ms"], stateful(&backoff, &case["randoms"]));
            }
        }
        "config_validation" => {
            for (number, case) in vector.list("cases").iter().enumerate() {
                check.expect(number, "valid", &case["valid"], validate(&case["config"]).is_ok());
            }
        }
        other => panic!("unknown kind {other}"),
    }
    check
}

/// Converts the settings of a source. Without a cap in the source, there is none.
pub(crate) fn backoff(config: &Value) -> Backoff {
    let (exponential, linear, constant) = (&config["exponential"], &config["linear"], &config["constant"]);
    let (randomized, decorrelated) = (&config["randomized"], &config["decorrelated_jitter_v2"]);
    let shape = if let Some(base) = exponential.millis("initial_ms") {
        Backoff::exponential(base).with_factor(exponential.number("multiplier").unwrap())
    } else if let Some(base) = linear.millis("base_ms") {
        Backoff::linear(base)
    } else {
        let base = [constant, randomized, decorrelated].iter().find_map(|shape| shape.millis("base_ms"));
        // Bounds given as factors hold for any base.
        Backoff::constant(base.unwrap_or(Duration::from_secs(1)))
    };
    shape.with_cap(exponential.millis("max_ms").unwrap_or(LONGEST)).with_jitter(jitter(config))
}

fn jitter(config: &Value) -> Jitter {
    let share = match config.text("jitter") {
        Some("polly_quarter") => Some(0.25),
        Some("+-20%") => Some(0.2),
        Some(other) => panic!("unknown jitter {other}"),
        None => config["jitter"].number("factor").or(config["randomized"].number("factor")),
    };
    match share {
        Some(share) => Jitter::Proportional { share },
        None if config["decorrelated_jitter_v2"].is_object() => Jitter::Decorrelated,
        // A vector with a random number has full jitter.
        None if config["random"].is_number() => Jitter::Full,
        None => Jitter::None,
    }
}

/// Returns the delay for one random number, in milliseconds.
fn bound(backoff: &Backoff, retry: u32, draw: f64) -> f64 {
    backoff.delay(retry, Duration::ZERO, &Random::scripted(&[draw])).as_secs_f64() * 1e3
}

fn stateful(backoff: &Backoff, draws: &Value) -> Value {
    let draws: Vec<_> = draws.as_array().unwrap().iter().map(|draw| draw.as_f64().unwrap()).collect();
    let (random, mut previous) = (Random::scripted(&draws), Duration::ZERO);
    let mut delay = |number| {
        previous = backoff.delay(number, previous, &random);
        millis(previous)
    };
    (1..=draws.len() as u32).map(&mut delay).collect()
}

/// Validates the settings of a source. A value that has no representation (a negative duration) is invalid.
fn validate(config: &Value) -> Result<(), InvalidSetting> {
    let unrepresentable = |field: &str, value: f64| InvalidSetting::new(field, value, "no such value");
    let duration = |field: &str, millis: f64| {
        Duration::try_from_secs_f64(millis / 1e3).map_err(|_| unrepresentable(field, millis))
    };
    let (field, value) = config.as_object().unwrap().iter().next().unwrap();
    let value = value.as_f64().unwrap();
    match field.as_str() {
        "interval_ms" => Backoff::exponential(duration(field, value)?).validate(),
        "wait_duration_ms" => Backoff::constant(duration(field, value)?).validate(),
        "randomization_factor" => Jitter::Proportional { share: value }.validate(),
        "max_attempts" => {
            let max_attempts = value as u32;
            mainstay_retry::RetrySettings { max_attempts, ..Default::default() }.validate()
        }
        other => panic!("unknown setting {other}"),
    }
}

pub(crate) fn millis(duration: Duration) -> Value {
    json!(duration.as_secs_f64() * 1e3)
}
