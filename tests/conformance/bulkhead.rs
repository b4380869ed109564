//! The vectors of the bulkhead.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use mainstay_bulkhead::{Group, Limit, LimitSettings, Permit};
use mainstay_core::{InvalidSetting, Rejected};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

type Waiter = Pin<Box<dyn Future<Output = Result<Permit, Rejected>>>>;

/// The limits by partition (a vector without partitions has one, with an empty name), and the callers' permits and waits.
struct Harness {
    limits: HashMap<String, Limit>,
    shares: HashMap<String, f64>,
    held: HashMap<String, Permit>,
    waiting: HashMap<String, Waiter>,
    /// Callers that the last step granted a permit.
    granted: Vec<String>,
    /// Callers that the last step refused.
    rejected: Vec<String>,
    next: u32,
}

pub(crate) async fn run(vector: &Vector) -> Check {
    let mut check = Check::default();
    let mut harness = match Harness::new(vector.config()) {
        Ok(harness) => harness,
        Err(error) => {
            check.expect(0, "settings", &json!("taken"), error.to_string());
            return check;
        }
    };
    for (number, step) in vector.steps() {
        harness.granted.clear();
        harness.rejected.clear();
        for _ in 0..step.times() {
            harness.step(step).await;
        }
        check.expect_all(number, &step["expect"], |key| Some(harness.value(step, key, &step["expect"][key])));
    }
    check
}

/// A wait of zero becomes no queue. A queue without a bound becomes one with room for all callers of the vector.
fn settings(config: &Value, limit: u32) -> LimitSettings {
    let waits = config.number("max_wait_ms") != Some(0.0);
    LimitSettings {
        limit,
        queue: if waits { config.number("queue").unwrap_or(100.0) as u32 } else { 0 },
        max_wait: config.millis("max_wait_ms").map(|wait| wait.max(Duration::from_millis(1))),
        execution_timeout: None,
    }
}

fn share(limit: u32, share: f64) -> u32 {
    ((f64::from(limit) * share).ceil() as u32).max(1)
}

impl Harness {
    fn new(config: &Value) -> Result<Self, InvalidSetting> {
        let total = config.count("max_concurrent");
        let shares = config["partitions"].as_object().into_iter().flatten();
        let shares: HashMap<_, _> = shares.map(|(name, part)| (name.clone(), part.as_f64().unwrap())).collect();
        let limits = match shares.is_empty() {
            true => HashMap::from([(String::new(), Limit::with_settings("vector", settings(config, total))?)]),
            false => {
                let (group, none) = (Group::with_total("vector", total)?, json!({ "max_wait_ms": 0 }));
                let limit = |(name, part): (&String, &f64)| {
                    Ok((name.clone(), group.limit(name.clone(), settings(&none, share(total, *part)))?))
                };
                shares.iter().map(limit).collect::<Result<_, InvalidSetting>>()?
            }
        };
        let (held, waiting, granted, rejected, next) = Default::default();
        Ok(Self { limits, shares, held, waiting, granted, rejected, next })
    }

    fn limit(&self, step: &Value) -> &Limit {
        &self.limits[step.text("partition").unwrap_or_default()]
    }

    async fn step(&mut self, step: &Value) {
        let id = step.text("id").unwrap_or_default();
        match step.text("op").unwrap() {
            "advance" => advance(step.millis("ms").unwrap()).await,
            "acquire" => self.acquire(id.to_owned(), step),
            "acquire_partition" => {
                self.next += 1;
                self.granted.clear();
                self.acquire(self.next.to_string(), step);
            }
            "release" => drop(self.held.remove(id)),
            "cancel" => drop(self.waiting.remove(id)),
            "resize" => self.resize(step.count("max_concurrent")),
            "set_max_wait" => {
                let (limit, config) = (self.limit(step), json!({ "max_wait_ms": step["ms"] }));
                limit.reconfigure(settings(&config, limit.snapshot().limit)).unwrap();
            }
            "check" => {}
            other => panic!("unknown op {other}"),
        }
        self.poll();
    }

    fn acquire(&mut self, id: String, step: &Value) {
        let limit = self.limit(step).clone();
        self.waiting.insert(id, Box::pin(async move { limit.acquire().await }));
    }

    /// Resizes each partition to its share, which an operator does with Mainstay.
    fn resize(&self, total: u32) {
        for (name, limit) in &self.limits {
            limit.resize(self.shares.get(name).map_or(total, |part| share(total, *part))).unwrap();
        }
    }

    fn poll(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let ready = self.waiting.iter_mut().filter_map(|(id, waiter)| match waiter.as_mut().poll(&mut cx) {
            Poll::Ready(result) => Some((id.clone(), result)),
            Poll::Pending => None,
        });
        for (id, result) in ready.collect::<Vec<_>>() {
            self.waiting.remove(&id);
            match result {
                Ok(permit) => {
                    self.held.insert(id.clone(), permit);
                    self.granted.push(id);
                }
                Err(_refused) => self.rejected.push(id),
            }
        }
    }

    fn value(&self, step: &Value, key: &str, expected: &Value) -> Value {
        let now = self.limit(&json!({ "partition": self.limits.keys().next() })).snapshot();
        let each =
            |read: fn(&Limit) -> u32| self.limits.iter().map(move |(name, limit)| (name.clone(), json!(read(limit))));
        let only = |all: Value| match expected.as_object() {
            Some(expected) => expected.keys().map(|name| (name.clone(), all[name].clone())).collect(),
            None => all,
        };
        let last = step.text("id").map_or(self.next.to_string(), str::to_owned);
        match key {
            "granted" if expected.is_boolean() => self.held.contains_key(&last).into(),
            "granted" => json!(self.granted),
            "pending" if expected.is_boolean() => self.waiting.contains_key(&last).into(),
            "pending" => self.waiting.keys().cloned().collect(),
            "rejected" => json!(self.rejected),
            "available" | "execution_slots" => now.limit.saturating_sub(now.in_flight).into(),
            "queue_slots" => (now.queue - now.queued).into(),
            "max_concurrent" => now.limit.into(),
            "on_full_events" => now.rejected.full.into(),
            "inner_calls" => u32::from(self.held.contains_key(&last)).into(),
            "inflight" => only(each(|limit| limit.snapshot().in_flight).collect()),
            "partition_limit" => only(each(|limit| limit.snapshot().limit).collect()),
            "total_inflight" => self.limits.values().map(|limit| limit.snapshot().in_flight).sum::<u32>().into(),
            other => panic!("unknown key {other}"),
        }
    }
}
