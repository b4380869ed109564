//! Vectors of fallback and failover.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_core::{BoxError, FailureKind, Outcome, classify_fn};
use mainstay_failover::{Endpoint, Failover};
use mainstay_fallback::{FallbackLayer, value};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

pub(crate) async fn run(vector: &Vector) -> Check {
    match vector.kind() {
        "fallback" => fallback(vector).await,
        "failover" => failover(vector).await,
        other => panic!("unknown kind {other}"),
    }
}

/// Results by name: `result:x` and `ok:x` are `Ok`, `err:x` is an error.
async fn fallback(vector: &Vector) -> Check {
    let handled: Vec<_> = vector.config()["handle"].as_array().unwrap().clone();
    let is_handled =
        move |name: &str| handled.iter().any(|one| one == name || one == "err:*" && name.starts_with("err:"));
    let policy = classify_fn(move |result: Result<&String, &BoxError>| match result {
        Ok(name) if !is_handled(name) => Outcome::Success,
        Err(error) if !is_handled(&error.to_string()) => Outcome::ignored(),
        _ => Outcome::failure(FailureKind::Unknown),
    });
    let answer = vector.config().text("fallback").unwrap().to_owned();
    let layer = FallbackLayer::new("fallback", value(answer)).with_policy(policy);
    let inner = vector.body.text("inner").unwrap().to_owned();
    let cancelled = inner.starts_with("cancelled");
    let service = layer.layer(service_fn(move |_: ()| {
        let inner = inner.clone();
        async move {
            match inner.starts_with("err:") {
                _ if cancelled => std::future::pending().await,
                true => Err(BoxError::from(inner)),
                false => Ok(inner),
            }
        }
    }));
    // A cancelled call is a dropped future.
    let result = timeout(Duration::from_secs(1), service.oneshot(())).await;
    let figures = layer.handle().snapshot();
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "result" => match &result {
                Ok(Ok(name)) => name.as_str().into(),
                Ok(Err(error)) => error.to_string().into(),
                Err(_elapsed) => "err:Cancelled".into(),
            },
            "on_fallback_events" => figures.needed.into(),
            "fallback_calls" => figures.steps[0].answered.into(),
            other => panic!("unknown key {other}"),
        })
    });
    check
}

/// The n-th request to any endpoint gets the n-th response.
async fn failover(vector: &Vector) -> Check {
    let (requests, responses) = (Arc::new(Mutex::new(Vec::new())), vector.list("responses").to_vec());
    let at = |name: String| {
        let (requests, responses) = (requests.clone(), responses.clone());
        service_fn(move |_: ()| {
            let mut requests = requests.lock().unwrap();
            requests.push(name.clone());
            let response = responses[requests.len() - 1].as_str().unwrap().to_owned();
            async move { Ok::<_, BoxError>(response) }
        })
    };
    let routes = vector.config()["routes"].as_array().unwrap();
    let names = routes.iter().map(|route| route.as_str().unwrap().to_owned());
    let failover = Failover::new("vector", names.map(|name| Endpoint::new(name.clone(), at(name))));
    let policy = classify_fn(|result: Result<&String, &BoxError>| match result {
        Ok(status) if status == "200" => Outcome::Success,
        _ => Outcome::failure(FailureKind::Unavailable),
    });
    let result = match failover {
        Ok(failover) => failover.with_policy(policy).oneshot(()).await.map_err(|error| error.to_string()),
        Err(wrong) => Err(wrong.to_string()),
    };
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "requests" => json!(*requests.lock().unwrap()),
            "result" => result.clone().map_or(Value::Null, Value::from),
            "error" => result.clone().map_or_else(Value::from, |_| Value::Null),
            other => panic!("unknown key {other}"),
        })
    });
    check
}
