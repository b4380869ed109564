//! Rejections as responses.
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
use mainstay_http::{
    Grpc, Http, RejectionLayer,
    rejection::{grpc_rejection_response, rejection_response},
};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

const REASONS: [(Reason, u16, &str); 12] = [
    (Reason::CircuitOpen, 503, "14"),
    (Reason::BulkheadFull, 503, "8"),
    (Reason::QueueTimeout, 503, "8"),
    (Reason::DeadlineExceeded, 504, "4"),
    (Reason::RateLimited, 429, "8"),
    (Reason::AttemptTimeout, 504, "4"),
    (Reason::TotalTimeout, 504, "4"),
    (Reason::NoHealthyEndpoint, 503, "14"),
    (Reason::Draining, 503, "14"),
    (Reason::ResponseTooLarge, 502, "8"),
    (Reason::OutOfFiles, 503, "14"),
    (Reason::NoRuntime, 500, "13"),
];

#[test]
fn each_reason_has_its_status() {
    for (reason, status, code) in REASONS {
        let rejected = Rejected::new(reason, "secret-name");
        let response = rejection_response(&rejected);
        assert_eq!(response.status(), status, "{reason:?}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.body();
        assert!(
            body.starts_with(&format!(r#"{{"type":"urn:mainstay:problem:{}","title":""#, reason.as_str())),
            "{body}"
        );
        assert!(body.contains(&format!(r#","status":{status},"detail":""#)), "{body}");
        assert!(!body.contains("secret"), "{body}");
        // The text contains nothing that must be escaped.
        assert_eq!(body.matches('"').count(), 14, "{body}");
        assert!(!body.contains('\\'));

        let grpc: Response<()> = grpc_rejection_response(&rejected);
        assert_eq!((grpc.status().as_u16(), &grpc.headers()["grpc-status"]), (200, &code.parse().unwrap()));
        assert!(!grpc.headers().contains_key("grpc-retry-pushback-ms"));
        assert!(!grpc.headers().contains_key("grpc-status-details-bin"));
    }
}

#[test]
fn wait_is_sent_in_seconds_and_milliseconds_rounded_up() {
    let sent = |reason, wait| {
        let rejected = Rejected::new(reason, "x").with_retry_after(wait);
        let header =
            rejection_response(&rejected).headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let grpc: Response<()> = grpc_rejection_response(&rejected);
        let pushback = grpc.headers().get("grpc-retry-pushback-ms").map(|value| value.to_str().unwrap().to_owned());
        (header, pushback)
    };
    let some = |header: &str, pushback: &str| (Some(header.to_owned()), Some(pushback.to_owned()));
    assert_eq!(sent(Reason::CircuitOpen, Some(Duration::from_micros(1_200_001))), some("2", "1201"));
    assert_eq!(sent(Reason::RateLimited, Some(Duration::ZERO)), some("1", "0"));
    assert_eq!(sent(Reason::AttemptTimeout, Some(Duration::from_secs(3))), some("3", "3000"));
    assert_eq!(sent(Reason::Draining, Some(Duration::MAX)), some(&u64::MAX.to_string(), &i32::MAX.to_string()));
    assert_eq!(sent(Reason::BulkheadFull, None), (Some("1".into()), None));
    assert_eq!(sent(Reason::TotalTimeout, None), (None, None));
}

#[test]
fn rejection_response_of_a_server_is_classified_as_failure_with_its_wait() {
    let wait = Duration::from_secs(2);
    for (reason, ..) in REASONS {
        let rejected = Rejected::new(reason, "x").with_retry_after(wait);
        let http = Http::new().classify(Ok::<_, &BoxError>(&rejection_response(&rejected)));
        let grpc = Grpc::new().classify(Ok::<_, &BoxError>(&grpc_rejection_response::<()>(&rejected)));
        for outcome in [http, grpc] {
            assert!(outcome.is_failure(), "{reason:?}: {outcome:?}");
            assert_eq!(outcome.repeat(), Repeat::After(wait), "{reason:?}");
        }
    }
    let open = Rejected::new(Reason::CircuitOpen, "x");
    assert_eq!(Http::new().classify(Ok::<_, &BoxError>(&rejection_response(&open))).class(), Class::Overloaded);
}

async fn respond(error: impl Into<BoxError>) -> Response<Full<Bytes>> {
    let error = error.into();
    let mut error = Some(error);
    let failing = service_fn(move |_: Request<()>| {
        std::future::ready(Err::<Response<Full<Bytes>>, BoxError>(error.take().unwrap()))
    });
    let Ok(response) = RejectionLayer::new().layer(failing).oneshot(Request::new(())).await;
    response
}

#[tokio::test]
async fn layer_turns_every_error_into_a_response() {
    let rejected = respond(Rejected::new(Reason::RateLimited, "x")).await;
    assert_eq!((rejected.status().as_u16(), &rejected.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    let failed = respond("password=hunter2").await;
    assert_eq!(failed.status(), 502);
    let body = failed.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
}

/// With one deadline for the client and the timeout layer, which of the two fires first is chance. The response is the
/// same.
#[tokio::test]
async fn timeout_of_the_client_is_answered_as_a_timeout_layers() {
    let timed_out = respond(std::io::Error::from(std::io::ErrorKind::TimedOut)).await;
    assert_eq!(timed_out.status(), 504);
    let late = service_fn(|_: Request<()>| async {
        Err::<Response<Full<Bytes>>, BoxError>(std::io::Error::from(std::io::ErrorKind::TimedOut).into())
    });
    let Ok(response) = RejectionLayer::grpc().layer(late).oneshot(Request::new(())).await;
    assert_eq!(response.headers()["grpc-status"], "4");
}

#[tokio::test]
async fn response_passes_unchanged_and_grpc_rejection_has_a_status() {
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

/// Other layers turn only errors of `call` into responses.
#[tokio::test]
async fn error_of_poll_ready_becomes_a_response_and_is_not_cloned() {
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

/// Defect: a limit of this process was answered as a failure of the service behind it.
#[cfg(unix)]
#[tokio::test]
async fn error_by_a_limit_of_this_process_says_so() {
    let failing = service_fn(|_: Request<()>| async {
        Err::<Response<String>, BoxError>(std::io::Error::from_raw_os_error(24).into())
    });
    let response = RejectionLayer::new().layer(failing).oneshot(Request::new(())).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(response.body().contains("no file descriptor left"), "{}", response.body());
}
