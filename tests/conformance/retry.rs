//! Vectors of the retry loop.

mod protocol;

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Backoff, BoxError, FailureKind, Jitter, Outcome, classify_fn, settings::LONGEST};
use mainstay_retry::{EveryError, Retrier, RetrySettings};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    backoff::{self, millis},
    check::Check,
    vector::{Fields, Vector},
};

pub(crate) async fn run(vector: &Vector) -> Check {
    match vector.kind() {
        "sequence" => sequence(vector).await,
        "max_duration" => max_duration(vector).await,
        "cancellation" => cancellation(vector).await,
        "dynamic_delay" => dynamic_delay(vector).await,
        "resource" => resource(vector).await,
        "retry_after" => protocol::retry_after(vector),
        "classification" if vector.config()["retry"].is_array() => lists(vector).await,
        "classification" => protocol::http(vector),
        _ => backoff::run(vector),
    }
}

/// A retrier with the vector's attempts and delays, and without a budget.
fn retrier(config: &Value) -> Retrier {
    let delay = &config["delay"];
    let list: Vec<_> = delay["list_ms"].as_array().into_iter().flatten().map(|ms| ms.as_f64().unwrap()).collect();
    let backoff = match list.is_empty() {
        true => Backoff::constant(delay.millis("constant_ms").unwrap_or_default()),
        false => Backoff::custom(move |n| Duration::from_secs_f64(list[n as usize - 1] / 1e3)),
    };
    // The source writes -1 for "no limit".
    let max_attempts = config.number("max_attempts").unwrap();
    let settings = RetrySettings {
        max_attempts: if max_attempts < 0.0 { u32::MAX } else { max_attempts as u32 },
        backoff: backoff.with_cap(LONGEST).with_jitter(Jitter::None),
        deadline: config.millis("max_duration_ms"),
        ..RetrySettings::default()
    };
    Retrier::with_settings("vector", settings).unwrap().without_budget()
}

/// Results by name: `ok` and the names in `retry_on_result` are `Ok`.
async fn sequence(vector: &Vector) -> Check {
    let config = vector.config();
    let named = |list: &str, name: &str| {
        config[list].as_array().map(|list| list.iter().any(|listed| listed.as_str() == Some(name)))
    };
    let policy = classify_fn(|result: Result<&String, &String>| {
        let failed = match result {
            Ok(name) => named("retry_on_result", name).unwrap_or(false),
            Err(name) => named("retry_on", name).unwrap_or(true),
        };
        match (failed, result) {
            (true, _) => Outcome::failure(FailureKind::Unknown),
            (false, Ok(_)) => Outcome::Success,
            (false, Err(_)) => Outcome::ignored(),
        }
    });
    let (retrier, starts) = (retrier(config), RefCell::new(Vec::new()));
    let result = retrier
        .run_with(policy, |attempt| {
            starts.borrow_mut().push(Instant::now());
            let name = vector.list("outcomes")[attempt as usize - 1].as_str().unwrap().to_owned();
            let good = name == "ok" || named("retry_on_result", &name).unwrap_or(false);
            async move { if good { Ok(name) } else { Err(name) } }
        })
        .await;
    let (figures, starts) = (retrier.snapshot(), starts.into_inner());
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "inner_calls" => starts.len().into(),
            "result" => result.clone().unwrap_or_else(|error| error).into(),
            "delays_ms" => starts.windows(2).map(|pair| millis(pair[1] - pair[0])).collect(),
            "retries" | "on_retry_events" => figures.retries.into(),
            "retries_exceeded_events" => figures.stopped.attempts.into(),
            other => panic!("unknown key {other}"),
        })
    });
    check
}

async fn max_duration(vector: &Vector) -> Check {
    let (retrier, calls) = (retrier(vector.config()), AtomicU32::new(0));
    let durations = vector.list("attempt_durations_ms");
    let result = retrier
        .run_with(EveryError, |attempt| {
            calls.fetch_add(1, Relaxed);
            let time = durations[attempt as usize - 1].as_u64().unwrap();
            async move {
                sleep(Duration::from_millis(time)).await;
                Err::<(), _>("err")
            }
        })
        .await;
    let mut check = Check::default();
    check.expect(0, "inner_calls", &vector.body["expect"]["inner_calls"], calls.into_inner());
    check.expect(0, "result", &vector.body["expect"]["result"], result.unwrap_err());
    check
}

/// A cancelled run is a dropped future.
async fn cancellation(vector: &Vector) -> Check {
    let mut config = vector.config().clone();
    config["delay"] = json!({ "constant_ms": 2000 });
    let (retrier, calls) = (retrier(&config), AtomicU32::new(0));
    let running = retrier.run_with(EveryError, |_| {
        calls.fetch_add(1, Relaxed);
        std::future::pending::<Result<(), &str>>()
    });
    let done = match vector.body.text("scenario").unwrap().starts_with("caller") {
        true => timeout(Duration::from_millis(1), running).await.is_ok(),
        false => {
            drop(running);
            false
        }
    };
    let (calls, retries) = (calls.load(Relaxed), retrier.snapshot().retries);
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "inner_calls" => calls.into(),
            "on_retry_events" => retries.into(),
            "result" => if done { "done" } else { "cancelled" }.into(),
            other => panic!("unknown key {other}"),
        })
    });
    check
}

/// A custom function computes the delay; without a value it returns the configured delay.
async fn dynamic_delay(vector: &Vector) -> Check {
    let mut check = Check::default();
    for (number, case) in vector.list("cases").iter().enumerate() {
        let configured = vector.config()["delay"].millis("constant_ms").unwrap();
        let own = case.number("generator_returns_ms").filter(|own| *own >= 0.0);
        let delay = own.map_or(configured, |own| Duration::from_secs_f64(own / 1e3));
        let backoff = Backoff::custom(move |_| delay).with_jitter(Jitter::None);
        let settings = RetrySettings { max_attempts: 2, backoff, ..RetrySettings::default() };
        let retrier = Retrier::with_settings("vector", settings).unwrap();
        let start = Instant::now();
        let failed: Result<(), _> = retrier.run_with(EveryError, |_| async { Err("err") }).await;
        failed.unwrap_err();
        check.expect(number, "used_delay_ms", &case["used_delay_ms"], millis(start.elapsed()));
    }
    check
}

/// Every discarded result is dropped before the next attempt; the caller owns the last one.
async fn resource(vector: &Vector) -> Check {
    struct Answer(Arc<AtomicU32>);
    impl Drop for Answer {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let (disposed, mut created) = (Arc::new(AtomicU32::new(0)), 0);
    let policy = classify_fn(|_: Result<&Answer, &BoxError>| Outcome::failure(FailureKind::Unknown));
    let last = retrier(vector.config())
        .run_with(policy, |_| {
            assert_eq!(disposed.load(Relaxed), created, "earlier results are dropped first");
            created += 1;
            std::future::ready(Ok(Answer(disposed.clone())))
        })
        .await;
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "results_created" => created.into(),
            "disposed" => disposed.load(Relaxed).into(),
            "last_disposed" => last.is_err().into(),
            other => panic!("unknown key {other}"),
        })
    });
    check
}

/// A policy with a list of retried and a list of ignored exception classes, by name.
async fn lists(vector: &Vector) -> Check {
    let (config, mut check) = (vector.config(), Check::default());
    let matches = |list: &str, name: &str| {
        let parent = config["hierarchy"][name].as_str();
        let list = config[list].as_array().unwrap();
        list.iter().any(|listed| listed.as_str() == Some(name) || listed.as_str() == parent)
    };
    let policy = classify_fn(|result: Result<&(), &&str>| match result {
        Err(name) if matches("retry", name) && !matches("ignore", name) => Outcome::failure(FailureKind::Unknown),
        _ => Outcome::ignored(),
    });
    for (name, repeated) in vector.body["expect"].as_object().unwrap() {
        let retrier = retrier(&json!({ "max_attempts": 2 }));
        let _error = retrier.run_with(policy, |_| async { Err(name.as_str()) }).await;
        check.expect(0, name, repeated, retrier.snapshot().retries > 0);
    }
    check
}
