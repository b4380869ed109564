//! Refusals as responses.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mainstay_core::{BoxError, Class, Classify as _, Reason, Rejected, Repeat};
use mainstay_http::{Grpc, Http, RejectionLayer, grpc_response, response};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

const REASONS: [(Reason, u16, &str); 9] = [
    (Reason::CircuitOpen, 503, "14"),
    (Reason::BulkheadFull, 503, "8"),
    (Reason::QueueTimeout, 503, "8"),
    (Reason::DeadlineExceeded, 504, "4"),
    (Reason::RateLimited, 429, "8"),
    (Reason::AttemptTimeout, 504, "4"),
    (Reason::TotalTimeout, 504, "4"),
    (Reason::NoHealthyEndpoint, 503, "14"),
    (Reason::Draining, 503, "14"),
];

#[test]
fn every_reason_has_its_status() {
    for (reason, status, code) in REASONS {
        let rejected = Rejected::new(reason, "secret-name");
        let response = response(&rejected);
        assert_eq!(response.status(), status, "{reason:?}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.body();
        assert!(
            body.starts_with(&format!(r#"{{"type":"urn:mainstay:problem:{}","title":""#, reason.as_str())),
            "{body}"
        );
        assert!(body.contains(&format!(r#","status":{status},"detail":""#)), "{body}");
        assert!(!body.contains("secret"), "{body}");
        // As it stands the words need no escaping.
        assert_eq!(body.matches('"').count(), 14, "{body}");
        assert!(!body.contains('\\'));

        let grpc: Response<()> = grpc_response(&rejected);
        assert_eq!((grpc.status().as_u16(), &grpc.headers()["grpc-status"]), (200, &code.parse().unwrap()));
        assert!(!grpc.headers().contains_key("grpc-retry-pushback-ms"));
        assert!(!grpc.headers().contains_key("grpc-status-details-bin"));
    }
}

#[test]
fn waits_are_told_in_whole_seconds_and_milliseconds_rounded_up() {
    let told = |reason, wait| {
        let rejected = Rejected::new(reason, "x").with_retry_after(wait);
        let header = response(&rejected).headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let grpc: Response<()> = grpc_response(&rejected);
        let pushback = grpc.headers().get("grpc-retry-pushback-ms").map(|value| value.to_str().unwrap().to_owned());
        (header, pushback)
    };
    let some = |header: &str, pushback: &str| (Some(header.to_owned()), Some(pushback.to_owned()));
    assert_eq!(told(Reason::CircuitOpen, Some(Duration::from_micros(1_200_001))), some("2", "1201"));
    assert_eq!(told(Reason::RateLimited, Some(Duration::ZERO)), some("1", "0"));
    assert_eq!(told(Reason::AttemptTimeout, Some(Duration::from_secs(3))), some("3", "3000"));
    assert_eq!(told(Reason::Draining, Some(Duration::MAX)), some(&u64::MAX.to_string(), &i32::MAX.to_string()));
    assert_eq!(told(Reason::BulkheadFull, None), (Some("1".into()), None));
    assert_eq!(told(Reason::TotalTimeout, None), (None, None));
}

/// What one Mainstay refuses, the next one upstream reads as the same kind of trouble.
#[test]
fn refusals_are_read_back_by_the_policies() {
    let wait = Duration::from_secs(2);
    for (reason, ..) in REASONS {
        let rejected = Rejected::new(reason, "x").with_retry_after(wait);
        let http = Http::new().classify(Ok::<_, &BoxError>(&response(&rejected)));
        let grpc = Grpc::new().classify(Ok::<_, &BoxError>(&grpc_response::<()>(&rejected)));
        for outcome in [http, grpc] {
            assert!(outcome.is_failure(), "{reason:?}: {outcome:?}");
            assert_eq!(outcome.repeat(), Repeat::After(wait), "{reason:?}");
        }
    }
    let open = Rejected::new(Reason::CircuitOpen, "x");
    assert_eq!(Http::new().classify(Ok::<_, &BoxError>(&response(&open))).class(), Class::Overloaded);
}

async fn answer(error: impl Into<BoxError>) -> Response<Full<Bytes>> {
    let error = error.into();
    let mut error = Some(error);
    let failing = service_fn(move |_: Request<()>| {
        std::future::ready(Err::<Response<Full<Bytes>>, BoxError>(error.take().unwrap()))
    });
    let Ok(response) = RejectionLayer::new().layer(failing).oneshot(Request::new(())).await;
    response
}

#[tokio::test]
async fn nothing_leaves_the_layer_but_a_response() {
    let refused = answer(Rejected::new(Reason::RateLimited, "x")).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    let failed = answer("password=hunter2").await;
    assert_eq!(failed.status(), 502);
    let body = failed.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
}

/// At a deadline that a client's own timer knows too, chance says which comes first; the answer must not depend on it.
#[tokio::test]
async fn a_timeout_that_is_not_ours_is_answered_like_one() {
    let timed_out = answer(std::io::Error::from(std::io::ErrorKind::TimedOut)).await;
    assert_eq!(timed_out.status(), 504);
    let late = service_fn(|_: Request<()>| async {
        Err::<Response<Full<Bytes>>, BoxError>(std::io::Error::from(std::io::ErrorKind::TimedOut).into())
    });
    let Ok(response) = RejectionLayer::grpc().layer(late).oneshot(Request::new(())).await;
    assert_eq!(response.headers()["grpc-status"], "4");
}

#[tokio::test]
async fn answers_pass_unchanged_and_grpc_gets_a_status() {
    let ok = service_fn(|_: Request<()>| async { Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("hello"))) });
    let Ok(response) = RejectionLayer::new().layer(ok).oneshot(Request::new(())).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");

    let busy = service_fn(|_: Request<()>| async {
        Err::<Response<Full<Bytes>>, BoxError>(Rejected::new(Reason::BulkheadFull, "x").into())
    });
    let Ok(response) = RejectionLayer::grpc().layer(busy).oneshot(Request::new(())).await;
    assert_eq!(response.headers()["grpc-status"], "8");
    assert_eq!(response.headers()["content-type"], "application/grpc");
}

/// Peers answer what `call` gives and let an error of `poll_ready` through.
#[tokio::test]
async fn an_error_of_poll_ready_becomes_a_response_too_and_clones_do_not_copy_it() {
    #[derive(Clone)]
    struct Broken;

    impl Service<()> for Broken {
        type Response = Response<String>;
        type Error = Rejected;
        type Future = std::future::Pending<Result<Self::Response, Rejected>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
            Poll::Ready(Err(Rejected::new(Reason::Draining, "x")))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            std::future::pending()
        }
    }

    let mut service = RejectionLayer::new().with_error::<Rejected>().layer(Broken);
    let ready: Result<_, Infallible> = service.ready().await;
    let clone = ready.unwrap().clone();
    let Ok(response) = service.call(()).await;
    assert_eq!(response.status(), 503);
    let Ok(response) = clone.oneshot(()).await;
    assert_eq!(response.status(), 503);
}
