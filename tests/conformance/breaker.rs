//! Conformance vectors of the circuit breaker.

mod models;

use std::{collections::HashMap, panic::resume_unwind, time::Duration};

use mainstay_circuit_breaker::{Breaker, BreakerSettings, BreakerSnapshot, Mode, OpenSettings, Permit, State};
use mainstay_core::{BoxError, FailureKind, Outcome, Rejected};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

/// A breaker, and what the steps so far have left.
struct Harness {
    breaker: Breaker,
    settings: BreakerSettings,
    /// Permits without an outcome.
    held: Vec<Permit>,
    /// Calls in flight, by the vector's id.
    in_flight: HashMap<String, Permit>,
    last: Last,
    /// The counters when the state last changed.
    base: BreakerSnapshot,
    /// The number of consecutive openings, at each opening.
    openings: Vec<u32>,
}

/// The result of the last step.
#[derive(Default)]
struct Last {
    refusal: Option<Rejected>,
    error: Option<&'static str>,
}

pub(crate) async fn run(vector: &Vector) -> Check {
    let mut check = Check::default();
    let mut harness = Harness::new(models::settings(vector));
    for (number, step) in vector.steps() {
        for _ in 0..step.times() {
            harness.step(vector, step).await;
            check.expect_all(number, &step["expect_each"], |key| harness.show(key));
        }
        check.expect_all(number, &step["expect"], |key| harness.show(key));
    }
    check
}

impl Harness {
    fn new(settings: BreakerSettings) -> Self {
        let breaker = Breaker::with_settings("vector", settings.clone()).unwrap();
        let base = breaker.snapshot();
        let (held, in_flight, last, openings) = Default::default();
        Self { breaker, settings, held, in_flight, last, base, openings }
    }

    async fn step(&mut self, vector: &Vector, step: &Value) {
        self.last = Last::default();
        let took = step.millis("duration_ms").unwrap_or_default();
        match step.text("op").unwrap() {
            "advance" => advance(step.millis("ms").unwrap()).await,
            "acquire" => {
                let permit = self.acquire();
                self.held.extend(permit);
            }
            "release" => drop(self.held.pop()),
            "begin" => {
                let permit = self.acquire().unwrap();
                self.in_flight.insert(step.text("id").unwrap().to_owned(), permit);
            }
            "end" => {
                let permit = self.in_flight.remove(step.text("id").unwrap()).unwrap();
                permit.record(outcome(step.text("outcome").unwrap()));
            }
            "call" => self.call(step.text("outcome").unwrap(), took).await,
            "pattern" => {
                for name in step["pattern"].as_array().unwrap() {
                    self.call(name.as_str().unwrap(), took).await;
                }
            }
            // The duration of a call is measured by its permit, so a call that took time has one.
            name @ ("success" | "failure" | "ignored") if took.is_zero() => self.breaker.record(outcome(name)),
            name @ ("success" | "failure" | "ignored") => self.call(name, took).await,
            "recreate" => *self = Self::new(self.settings.clone()),
            _ => self.operate(vector, step).await,
        }
        self.rebase_counts();
    }

    /// Runs a step that changes the breaker as an operator does.
    async fn operate(&mut self, vector: &Vector, step: &Value) {
        let breaker = &self.breaker;
        match (step.text("op").unwrap(), step.text("to").unwrap_or_default()) {
            ("transition_to", "OPEN") => breaker.trip("the vector"),
            ("transition_to", "HALF_OPEN") => self.end_open_time(vector).await,
            ("transition_to", "DISABLED") => breaker.disable("vector"),
            ("transition_to", "METRICS_ONLY") => breaker.shadow("vector"),
            ("isolate", _) => breaker.force_open("vector"),
            ("close" | "dispose_isolation", _) => breaker.reset("vector"),
            ("open_for", _) => {
                let open = OpenSettings { jitter: 0.0, ..OpenSettings::constant(step.millis("ms").unwrap()) };
                breaker.reconfigure(BreakerSettings { open, ..self.settings.clone() }).unwrap();
                breaker.trip("the vector");
            }
            unknown => panic!("unknown op {unknown:?}"),
        }
    }

    /// Makes the breaker half-open: no operation does that, only the end of the open time.
    async fn end_open_time(&mut self, vector: &Vector) {
        if self.breaker.state() == State::Closed {
            if vector.kind() == "failure_rate_window" {
                self.last.error = Some("no such operation");
                return;
            }
            self.breaker.trip("the vector");
        }
        advance(self.breaker.snapshot().open_left.unwrap_or_default()).await;
    }

    fn acquire(&mut self) -> Option<Permit> {
        match self.breaker.try_acquire() {
            Ok(permit) => Some(permit),
            Err(refusal) => {
                self.last.refusal = Some(refusal);
                None
            }
        }
    }

    async fn call(&mut self, name: &str, took: Duration) {
        if name == "panic" {
            let breaker = self.breaker.clone();
            let work = || async { resume_unwind(Box::new("a panic")) };
            let panicking = async move { breaker.run::<_, _, (), BoxError>(work).await.is_ok() };
            assert!(tokio::spawn(panicking).await.unwrap_err().is_panic());
        } else if let Some(permit) = self.acquire() {
            advance(took).await;
            permit.record(outcome(name));
        }
    }

    /// Starts the counts again after a change of state: the vectors count from there.
    fn rebase_counts(&mut self) {
        let now = self.breaker.snapshot();
        if now.epoch != self.base.epoch {
            if now.state == State::Open && now.mode == Mode::Normal {
                self.openings.push(now.openings - 1);
            }
            self.base = now;
        }
    }

    /// Returns the value for a key of the vector; `None` for those in `unsupported.rs`.
    fn show(&self, key: &str) -> Option<Value> {
        let (now, base) = (self.breaker.snapshot(), &self.base);
        let (successes, failures) = (now.successes - base.successes, now.failures - base.failures);
        let ignored = now.ignored - base.ignored;
        let changes_to = |state| self.breaker.transitions().iter().filter(|change| change.to == state).count();
        // Below the minimum the window has not slid yet.
        let failed = now.failure_rate.map_or(failures, |rate| (rate * f64::from(now.window_calls)).round() as u64);
        let percent = |rate: Option<f64>| rate.map_or(json!(-1), |rate| json!(rate * 100.0));
        Some(match key {
            "state" => json!(state(&now)),
            "permitted" => self.last.refusal.is_none().into(),
            "retry_after_ms" => self.last.refusal.as_ref().and_then(Rejected::retry_after).map_or(Value::Null, millis),
            "error" => json!(self.last.error),
            "failure_rate" => percent(now.failure_rate),
            "slow_rate" => percent(now.slow_rate),
            "buffered" if now.state == State::Closed => now.window_calls.into(),
            "buffered" => (successes + failures).into(),
            "failed" => failed.into(),
            "successful" if now.state == State::Closed => (u64::from(now.window_calls) - failed).into(),
            "successful" | "successes" => successes.into(),
            "failures" => failures.into(),
            "slow" => (now.slow - base.slow).into(),
            "not_permitted" => (now.refused - base.refused).into(),
            "exclusions" => ignored.into(),
            // The source counts admitted calls.
            "requests" => (successes + failures + ignored + self.in_flight.len() as u64).into(),
            "consecutive_failures" | "fail_counter" => now.consecutive_failures.into(),
            "success_counter" => now.recovery.map_or(0, |gate| gate.have).into(),
            "consecutive_successes" => now.recovery?.have.into(),
            "opened" | "break_events" => changes_to(State::Open).into(),
            "half_opened" => changes_to(State::HalfOpen).into(),
            "closed" => changes_to(State::Closed).into(),
            "generator_half_open_attempts" => json!(self.openings),
            other => panic!("unknown key {other}"),
        })
    }
}

fn state(now: &BreakerSnapshot) -> &'static str {
    match (now.mode, now.state) {
        (Mode::ForcedOpen, _) => "ISOLATED",
        (Mode::Disabled, _) => "DISABLED",
        (Mode::Shadow, _) => "METRICS_ONLY",
        (_, State::Closed) => "CLOSED",
        (_, State::Open) => "OPEN",
        (_, State::HalfOpen) => "HALF_OPEN",
    }
}

fn outcome(name: &str) -> Outcome {
    match name {
        "success" => Outcome::Success,
        "failure" => Outcome::failure(FailureKind::Unknown),
        "ignored" => Outcome::ignored(),
        other => panic!("unknown outcome {other}"),
    }
}

fn millis(duration: Duration) -> Value {
    json!(duration.as_secs_f64() * 1e3)
}
