//! Deadline and attempt in headers.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{convert::Infallible, time::Duration};

use http::Request;
use mainstay_core::{BoxError, Contextual as _, RequestContext};
use mainstay_http::{
    Grpc, Http,
    context::{ContextHeaders, ForwardContextLayer, ReadContextLayer},
};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt as _, service_fn};

/// Returns the request as the inner service gets it.
async fn through<L, S>(layer: &L, request: Request<()>) -> Request<()>
where
    L: Layer<Echo, Service = S>,
    S: Service<Request<()>, Response = Request<()>, Error = Infallible>,
{
    let echo: Echo = service_fn(|request| std::future::ready(Ok(request)));
    let Ok(request) = layer.layer(echo).oneshot(request).await;
    request
}

type Echo = tower::util::ServiceFn<fn(Request<()>) -> std::future::Ready<Result<Request<()>, Infallible>>>;

fn with_field(field: &str, value: &str) -> Request<()> {
    Request::get("/").header(field, value).body(()).unwrap()
}

fn left(request: &Request<()>) -> Option<Duration> {
    Http::new().context(request)?.time_left(Instant::now())
}

#[tokio::test(start_paused = true)]
async fn read_layer_sets_deadline_and_arrival_time() {
    let http = ReadContextLayer::new(ContextHeaders::http());
    let request = through(&http, with_field("x-request-timeout-ms", "250")).await;
    assert_eq!(left(&request), Some(Duration::from_millis(250)));
    assert_eq!(Http::new().context(&request).unwrap().started, Some(Instant::now()));
    let grpc = ReadContextLayer::new(ContextHeaders::grpc());
    assert_eq!(left(&through(&grpc, with_field("grpc-timeout", "3S")).await), Some(Duration::from_secs(3)));
    assert_eq!(left(&through(&grpc, with_field("grpc-timeout", "soon")).await), None);
}

#[tokio::test(start_paused = true)]
async fn max_timeout_bounds_the_client_and_earlier_deadline_wins() {
    let layer = ReadContextLayer::new(ContextHeaders::http()).with_max_timeout(Duration::from_secs(10));
    assert_eq!(
        left(&through(&layer, with_field("x-request-timeout-ms", "99999999999999")).await),
        Some(Duration::from_secs(10))
    );
    assert_eq!(left(&through(&layer, with_field("x", "y")).await), Some(Duration::from_secs(10)));
    let mut request = with_field("x-request-timeout-ms", "5000");
    Http::new().set_context(
        &mut request,
        RequestContext::new().with_deadline(Instant::now() + Duration::from_secs(1)).with_attempt(2),
    );
    let request = through(&layer, request).await;
    assert_eq!(left(&request), Some(Duration::from_secs(1)));
    assert_eq!(Http::new().context(&request).unwrap().attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn forward_layer_writes_time_left_and_attempt() {
    let mut request = with_field("x-request-timeout-ms", "1000");
    request = through(&ReadContextLayer::new(ContextHeaders::http()), request).await;
    tokio::time::advance(Duration::from_millis(400)).await;
    let context = Http::new().context(&request).unwrap().clone().with_attempt(2);
    Http::new().set_context(&mut request, context);
    request = through(&ForwardContextLayer::new(ContextHeaders::http()), request).await;
    assert_eq!(request.headers()["x-request-timeout-ms"], "600");
    assert_eq!(request.headers()["x-request-attempt"], "2");
    assert_eq!(left(&request), Some(Duration::from_millis(600)), "the context stays");
    request = through(&ForwardContextLayer::new(ContextHeaders::grpc()), request).await;
    assert_eq!(request.headers()["grpc-timeout"], "600000u");
    assert_eq!(request.headers()["grpc-previous-rpc-attempts"], "1");
}

#[tokio::test]
async fn request_without_context_is_unchanged() {
    let request = through(&ForwardContextLayer::new(ContextHeaders::http()), with_field("a", "b")).await;
    assert_eq!((request.headers().len(), request.extensions().len()), (1, 0));
}

/// Defect: a caller with 80 ms told its server 999 ms, the time of its stack.
#[tokio::test(start_paused = true)]
async fn shortest_time_is_written() {
    for (fields, name, [caller, deadline, attempt]) in [
        (ContextHeaders::http(), "x-request-timeout-ms", ["80", "600", "300"]),
        (ContextHeaders::grpc(), "grpc-timeout", ["80m", "600000u", "300000u"]),
    ] {
        let written = async |callers: Option<&str>, context: RequestContext| {
            let mut request = with_field("a", "b");
            if let Some(callers) = callers {
                request.headers_mut().insert(name, callers.parse().unwrap());
            }
            Http::new().set_context(&mut request, context);
            let request = through(&ForwardContextLayer::new(fields.clone()), request).await;
            request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let by_deadline = || RequestContext::new().with_deadline(Instant::now() + Duration::from_millis(600));
        let by_attempt = || by_deadline().with_attempt_timeout(Duration::from_millis(300));
        assert_eq!(written(Some(caller), by_deadline()).await.as_deref(), Some(caller));
        assert_eq!(written(Some(caller), RequestContext::new()).await.as_deref(), Some(caller));
        assert_eq!(written(None, by_deadline()).await.as_deref(), Some(deadline));
        assert_eq!(written(None, by_attempt()).await.as_deref(), Some(attempt));
        let only_attempt = RequestContext::new().with_attempt_timeout(Duration::from_millis(300));
        assert_eq!(written(None, only_attempt).await.as_deref(), Some(attempt));
        assert_eq!(written(None, RequestContext::new()).await, None);
    }
}

/// Defect: the layer promised to read the attempt, and did not.
#[tokio::test(start_paused = true)]
async fn read_layer_sets_the_attempt() {
    let attempt = async |fields: ContextHeaders, name: &str, value: &str| {
        let request = through(&ReadContextLayer::new(fields), with_field(name, value)).await;
        Http::new().context(&request).unwrap().attempt
    };
    assert_eq!(attempt(ContextHeaders::http(), "x-request-attempt", "3").await, 3);
    assert_eq!(attempt(ContextHeaders::grpc(), "grpc-previous-rpc-attempts", "2").await, 3);
    assert_eq!(attempt(ContextHeaders::http(), "x-request-attempt", "99999999999").await, u32::MAX);
    assert_eq!(attempt(ContextHeaders::grpc(), "grpc-previous-rpc-attempts", "4294967295").await, u32::MAX);
    for wrong in ["", "0", "-1", "two"] {
        assert_eq!(attempt(ContextHeaders::http(), "x-request-attempt", wrong).await, 0, "{wrong}");
    }
}

/// A client that enforces the deadline itself times out at the deadline. Its error must not reach the caller before the
/// caller's own timeout.
#[tokio::test(start_paused = true)]
async fn timeout_at_the_deadline_comes_after_the_outer_timeout() {
    let client = service_fn(|request: Request<()>| async move {
        let left = left(&request).unwrap();
        let never = std::future::pending::<()>();
        tokio::time::timeout(left.min(Duration::from_millis(500)), never).await.map_err(BoxError::from)
    });
    let call = |time: u64| {
        let mut request = with_field("a", "b");
        let deadline = Instant::now() + Duration::from_millis(time);
        Http::new().set_context(&mut request, RequestContext::new().with_deadline(deadline));
        (ForwardContextLayer::new(ContextHeaders::grpc()).layer(client).oneshot(request), deadline)
    };
    let (response, deadline) = call(100);
    assert!(tokio::time::timeout_at(deadline, response).await.is_err(), "abandoned, not failed");
    let (response, deadline) = call(100);
    response.await.unwrap_err();
    assert_eq!(Instant::now() - deadline, Duration::from_millis(1), "without an outer timeout the error is returned");
    let (response, deadline) = call(1_000);
    response.await.unwrap_err();
    let early = deadline - Instant::now();
    assert_eq!(early, Duration::from_millis(500), "an error before the deadline is returned at once");
}

/// Defect: any error in the last 5 ms was held back until 5 ms after the deadline.
#[tokio::test(start_paused = true)]
async fn error_near_the_deadline_is_returned_at_once() {
    let client = service_fn(|_: Request<()>| async {
        tokio::time::sleep(Duration::from_millis(98)).await;
        Err::<(), BoxError>(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
    });
    let mut request = with_field("a", "b");
    let start = Instant::now();
    Http::new().set_context(&mut request, RequestContext::new().with_deadline(start + Duration::from_millis(100)));
    ForwardContextLayer::new(ContextHeaders::grpc()).layer(client).oneshot(request).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(98));
}

/// A caller's `grpc-timeout` bounds all attempts together.
#[test]
fn grpc_timeout_is_the_callers() {
    let timeout = |value| Grpc::new().caller_timeout(&with_field("grpc-timeout", value));
    assert_eq!(timeout("80m"), Some(Duration::from_millis(80)));
    assert_eq!(timeout("soon"), None);
    assert_eq!(Http::new().caller_timeout(&with_field("grpc-timeout", "80m")), None);
}
