//! Over `reqwest::Client`, which is a Tower service.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_core::{
    BoxError, Classify as _, Contextual, Degraded, FailureKind, Follow as _, Mark as _, Outcome, Replay as _,
    RequestContext,
};
use mainstay_http::{Http, Reqwest};
use reqwest::{Client, Method, Request, Response, ResponseBuilderExt as _, Url};
use tokio::{net::TcpListener, sync::oneshot, time::Instant};

fn request(method: Method) -> Request {
    Request::new(method, "http://127.0.0.1/".parse().unwrap())
}

fn response(head: http::response::Builder) -> Response {
    head.body("").unwrap().into()
}

#[test]
fn response_is_classified_as_by_http() {
    let busy = response(http::Response::builder().status(503).header("retry-after", "2"));
    let outcome = Reqwest::new().classify(Ok::<_, &BoxError>(&busy));
    assert_eq!(outcome, Outcome::overloaded(Some(Duration::from_secs(2))));
    assert_eq!(Reqwest::new().draining().classify(Ok::<_, &BoxError>(&busy)), outcome);
}

#[test]
fn only_safe_requests_without_stream_are_repeated() {
    let after_sent = |policy: Reqwest, method| policy.replay(&request(method)).map(|copy| !copy.is_only_if_unsent());
    assert_eq!(after_sent(Reqwest::new(), Method::GET), Some(true));
    assert_eq!(after_sent(Reqwest::new(), Method::POST), Some(false));
    assert_eq!(after_sent(Reqwest::new().repeating_any_method(), Method::POST), Some(true));
    let mut keyed = request(Method::POST);
    keyed.headers_mut().insert("idempotency-key", "1".parse().unwrap());
    *keyed.body_mut() = Some("order".into());
    let copy = Reqwest::new().replay(&keyed).unwrap();
    assert!(!copy.is_only_if_unsent());
    let copy = copy.into_request();
    assert_eq!(copy.body().and_then(|body| body.as_bytes()), Some(&b"order"[..]));
}

/// Defect: a deadline became reqwest's timeout, which covers the body: a healthy body longer than the total timeout was cut,
/// and the server was blamed.
#[tokio::test(start_paused = true)]
async fn deadline_leaves_the_timeout_of_the_request() {
    let policy = Reqwest::new();
    let mut request = request(Method::GET);
    policy.set_context(&mut request, RequestContext::new().with_deadline(Instant::now() + Duration::from_secs(5)));
    policy.change_context(&mut request, |context| context.limit_attempt(Duration::from_secs(1)));
    assert_eq!(request.timeout(), None);
    assert!(policy.context(&request).is_none() && !Contextual::<Request>::carries_context(&policy));
}

#[test]
fn degraded_response_is_marked() {
    let mut response = response(http::Response::builder());
    let degraded = Degraded { step: "cache".into(), age: None };
    Reqwest::new().with_degraded_header().mark(&mut response, &degraded);
    assert_eq!(response.extensions().get(), Some(&degraded));
    assert_eq!(response.headers()["x-degraded"], "cache");
}

#[tokio::test]
async fn errors_are_classified_by_kind() {
    let classify = |error: reqwest::Error| Reqwest::new().classify(Err(&BoxError::from(error)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // The listener never accepts, so no response comes.
    let slow = Client::new().get(&url).timeout(Duration::from_millis(20)).send().await.unwrap_err();
    assert_eq!(classify(slow), Outcome::failure(FailureKind::Timeout));
    drop(listener);
    let refused = Client::new().get(&url).send().await.unwrap_err();
    assert_eq!(classify(refused), Outcome::failure(FailureKind::Connect));
    let unsendable = Client::new().get("no url").send().await.unwrap_err();
    assert_eq!(classify(unsendable), Outcome::ignored());
    // In a stack over `http::Response` they are classified the same.
    let error = BoxError::from(Client::new().get("no url").send().await.unwrap_err());
    let outcome = mainstay_core::Classify::<http::Response<()>, _>::classify(&Http::new(), Err(&error));
    assert_eq!(outcome, Outcome::ignored());
}

/// Type, URL and length stay the same, and the outcome comes with the end of the body.
#[tokio::test]
async fn followed_response_keeps_type_url_and_length() {
    let url: Url = "http://orders.example/7".parse().unwrap();
    let example = || {
        let response = http::Response::builder().url(url.clone()).header("x-shard", "3").body("hello").unwrap();
        Response::from(response)
    };
    let followed = |response| {
        let (settle, settled) = oneshot::channel();
        (Reqwest::new().follow(response, |outcome| settle.send(outcome).unwrap()), settled)
    };
    assert!(Reqwest::new().is_streaming(&example()));

    let (response, mut settled) = followed(example());
    assert_eq!((response.url(), response.content_length()), (&url, Some(5)));
    assert_eq!((response.status().as_u16(), &response.headers()["x-shard"]), (200, &"3".parse().unwrap()));
    assert!(settled.try_recv().is_err(), "not before its end");
    assert_eq!(response.text().await.unwrap(), "hello");
    assert_eq!(settled.await.unwrap(), Outcome::Success);

    // A caller that reads only the status had a good response.
    let (response, settled) = followed(example());
    drop(response);
    assert_eq!(settled.await.unwrap(), Outcome::Success);
}
