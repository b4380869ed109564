//! Vectors of retry budgets. The sources have five kinds of budgets; Mainstay has one, earned by successes.

use mainstay_core::{Budget, BudgetSettings, Cost, Reservation};
use serde_json::Value;
use tokio::time::{Instant, advance};

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

struct Harness {
    budget: Budget,
    /// Reservations of running retries.
    held: Vec<Reservation>,
    /// Whether the last retry was permitted.
    allowed: bool,
}

/// The keys of a step that say what happens. All others are expectations.
const INPUTS: &[&str] = &[
    "active",
    "executions",
    "expect_note",
    "inflight_retries",
    "ms",
    "op",
    "pending",
    "repeat",
    "success",
    "throttling",
    "timeout",
];

pub(crate) async fn run(vector: &Vector) -> Check {
    let mut check = Check::default();
    let mut harness = Harness::new(vector);
    for (number, step) in vector.steps() {
        for _ in 0..step.times() {
            harness.step(step).await;
        }
        for (key, expected) in step.as_object().unwrap().iter().filter(|(key, _)| !INPUTS.contains(&key.as_str())) {
            check.expect(number, key, expected, harness.show(step, key));
        }
    }
    check
}

/// Returns the settings that are nearest to those of the source.
fn settings(vector: &Vector) -> BudgetSettings {
    let (config, none) =
        (vector.config(), BudgetSettings { earned_per_success: 0.0, allowance: 0.0, ..Default::default() });
    let number = |field: &str| config.number(field).unwrap();
    match vector.kind() {
        "inflight_ratio" => {
            BudgetSettings { earned_per_success: number("max_rate"), allowance: number("min_concurrency"), ..none }
        }
        "envoy_retry_budget" => {
            let earned_per_success = number("budget_percent") / 100.0;
            BudgetSettings { earned_per_success, allowance: number("min_retry_concurrency"), ..none }
        }
        "grpc_throttle" => {
            let allowance = number("max_tokens");
            BudgetSettings { earned_per_success: number("token_ratio"), cap: allowance, allowance, ..none }
        }
        "aws_quota" => BudgetSettings {
            earned_per_success: number("no_retry_increment"),
            cost: number("retry_cost"),
            cost_throttled: config.number("throttling_cost").unwrap_or(number("timeout_cost")),
            cap: number("capacity"),
            allowance: number("capacity"),
            ..none
        },
        "tps_budget" => BudgetSettings {
            earned_per_success: number("retry_percent"),
            allowance: number("min_per_sec"),
            expiry: config.millis("ttl_ms").unwrap(),
            ..none
        },
        other => panic!("unknown kind {other}"),
    }
}

impl Harness {
    fn new(vector: &Vector) -> Self {
        let budget = Budget::with_settings(settings(vector)).unwrap();
        Self { budget, held: Vec::new(), allowed: false }
    }

    async fn step(&mut self, step: &Value) {
        let budget = &self.budget;
        match step.text("op").unwrap() {
            "seed" => {
                (0..step.count("executions")).for_each(|_| budget.deposit(Instant::now()));
                (0..step.count("inflight_retries")).for_each(|_| self.hold());
            }
            "acquire" => self.hold(),
            "release" => drop(self.held.pop()),
            "advance" => advance(step.millis("ms").unwrap()).await,
            "success" | "deposit" => budget.deposit(Instant::now()),
            "request_done" | "request_done_without_retry" if step["success"] == false => {}
            "request_done" | "request_done_without_retry" => budget.deposit(Instant::now()),
            "failure" | "withdraw" => self.spend(Cost::Retry),
            "retry" if step["throttling"] == true => self.spend(Cost::Throttled),
            "retry" => self.spend(Cost::Retry),
            // A first attempt is free; a limit is only compared.
            "primary" | "limit" => {}
            other => panic!("unknown op {other}"),
        }
    }

    fn hold(&mut self) {
        let reservation = self.budget.reserve(Cost::Retry, Instant::now());
        self.allowed = reservation.is_some();
        self.held.extend(reservation);
    }

    fn spend(&mut self, cost: Cost) {
        let reservation = self.budget.reserve(cost, Instant::now());
        self.allowed = reservation.is_some();
        reservation.into_iter().for_each(Reservation::spend);
    }

    fn show(&self, step: &Value, key: &str) -> Value {
        let balance = self.budget.snapshot().balance;
        match key {
            "expect" if step["op"] == "limit" => (balance / self.budget.settings().cost).into(),
            "expect" | "allowed" => self.allowed.into(),
            "expect_tokens" | "expect_capacity" => balance.into(),
            // Dropping the reservation returns its tokens.
            "retry_allowed" => self.budget.reserve(Cost::Retry, Instant::now()).is_some().into(),
            other => panic!("unknown key {other}"),
        }
    }
}
