//! Deadlines across layers: they reach the layers below, and no layer waits or starts an attempt beyond them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, OpenSettings};
use mainstay_core::{
    Backoff, Jitter, Reason, Refusal, Rejected, RequestContext,
    test::{Answer, Probe, ProbeError, ProbePolicy, Reply, Request, call},
};
use mainstay_fallback::FallbackLayer;
use mainstay_http::{
    Grpc,
    context::{ContextHeaders, ForwardContextLayer},
};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use mainstay_timeout::TimeoutLayer;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceBuilder, ServiceExt as _, service_fn};

use crate::stacks::{MS, SECOND, queueing, retrier};

/// The total timeout sets the deadline of the request. A retry whose wait would exceed it returns the original error at
/// once.
#[tokio::test(start_paused = true)]
async fn retry_does_not_wait_beyond_the_total_timeout() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let backoff = Backoff::constant(10 * SECOND).with_jitter(Jitter::None);
    let retrier = Retrier::with_settings("retry", RetrySettings { backoff, ..RetrySettings::default() }).unwrap();
    let mut stack = ServiceBuilder::new()
        .layer(TimeoutLayer::total("total", 5 * SECOND).unwrap().with_policy(ProbePolicy))
        .layer(RetryLayer::with(retrier.clone()).with_policy(ProbePolicy))
        .service(probe.clone());
    let start = Instant::now();
    let error = call(&mut stack, Request::default()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError::Failed));
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    assert_eq!((probe.calls(), retrier.snapshot().stopped.deadline), (1, 1));
    let deadline = probe.requests()[0].context.as_ref().and_then(|context| context.deadline);
    assert_eq!(deadline, Some(start + 5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn queued_request_is_refused_when_its_deadline_passes() {
    let limit = Limit::with_settings("limit", queueing(1, 1, 60 * SECOND)).unwrap();
    let mut stack = BulkheadLayer::with(limit.clone()).with_policy(ProbePolicy).layer(Probe::new());
    let _permit = limit.try_acquire().unwrap();
    let start = Instant::now();
    let request = Request::default().with_context(RequestContext::new().with_deadline(start + SECOND));
    let error = call(&mut stack, request).await.unwrap_err();
    assert_eq!(error.rejected().map(Rejected::reason), Some(Reason::DeadlineExceeded));
    assert_eq!((start.elapsed(), limit.snapshot().queued), (SECOND, 0));
}

#[tokio::test(start_paused = true)]
async fn retry_waits_for_an_open_breaker_only_if_that_is_set() {
    let (probe, retrier) = (Probe::new(), retrier(3));
    let breaker = CircuitBreakerLayer::new("breaker");
    breaker.handle().trip("test");
    let mut stack = ServiceBuilder::new()
        .layer(TimeoutLayer::total("total", 5 * SECOND).unwrap().with_policy(ProbePolicy))
        .layer(RetryLayer::with(retrier.clone()).with_policy(ProbePolicy))
        .layer(breaker.with_policy(ProbePolicy))
        .service(probe.clone());
    let start = Instant::now();
    let refused = call(&mut stack, Request::default()).await.unwrap_err();
    assert_eq!(refused.rejected().map(Rejected::reason), Some(Reason::CircuitOpen));
    assert_eq!((start.elapsed(), probe.calls()), (Duration::ZERO, 0));

    let settings = RetrySettings { wait_out: Some(SECOND), ..retrier.settings() };
    retrier.reconfigure(settings).unwrap();
    call(&mut stack, Request::default()).await.unwrap();
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    assert_eq!((probe.calls(), retrier.snapshot().rejections_waited_out), (1, 1));
}

/// Defect: every refused call waited in retry until the breaker was half-open, and the waiting calls filled the bulkhead
/// at the entrance: of 600 callers in 3 s none got the fallback's answer.
#[tokio::test(start_paused = true)]
async fn open_breaker_fills_no_bulkhead_at_the_entrance() {
    let open = OpenSettings::constant(8 * SECOND);
    let breaker = Breaker::with_settings("breaker", BreakerSettings { open, ..BreakerSettings::default() }).unwrap();
    breaker.trip("test");
    let breaker = CircuitBreakerLayer::with(breaker);
    let entrance = BulkheadLayer::new("entrance", 64).unwrap();
    let limit = entrance.handle().clone();
    let stack = ServiceBuilder::new()
        .layer(entrance.with_policy(ProbePolicy))
        .layer(FallbackLayer::value("fallback", Answer::from(0)).with_policy(ProbePolicy))
        .layer(TimeoutLayer::total("total", 30 * SECOND).unwrap().with_policy(ProbePolicy))
        .layer(RetryLayer::with(retrier(3)).with_policy(ProbePolicy))
        .layer(breaker.with_policy(ProbePolicy))
        .service(Probe::new());
    for _ in 0..600 {
        let mut stack = stack.clone();
        let start = Instant::now();
        let answer = call(&mut stack, Request::default()).await.unwrap();
        assert_eq!((answer.value, start.elapsed()), (0, Duration::ZERO));
        sleep(5 * MS).await;
    }
    assert_eq!((limit.snapshot().peak, limit.snapshot().in_flight), (1, 0));
}

/// Defect: a caller with 80 ms was answered after 203 ms, and its server was told 999 ms. The caller's time bounds all
/// attempts, and each server is told no more than what is left.
#[tokio::test(start_paused = true)]
async fn callers_grpc_timeout_bounds_all_attempts() {
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let seen = told.clone();
    let server = service_fn(move |call: http::Request<String>| {
        seen.lock().unwrap().push(call.headers()["grpc-timeout"].to_str().unwrap().to_owned());
        async {
            sleep(50 * MS).await;
            Err::<http::Response<String>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }
    });
    let grpc = Grpc::new().repeating_any_method();
    let at_once = || {
        let settings = RetrySettings { backoff: Backoff::none(), ..RetrySettings::default() };
        Retrier::with_settings("retry", settings).unwrap().without_budget()
    };
    let stack = |callers| {
        ServiceBuilder::new()
            .option_layer(callers)
            .layer(RetryLayer::with(at_once()).with_policy(grpc))
            .layer(TimeoutLayer::attempt("attempt", 300 * MS).unwrap().with_policy(grpc))
            .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
            .service(server.clone())
    };
    let call = || http::Request::post("/orders.Orders/Get").body(String::new());
    let with_timeout = || {
        call().map(|mut call| {
            call.headers_mut().insert("grpc-timeout", http::HeaderValue::from_static("80m"));
            call
        })
    };
    let total = || TimeoutLayer::total("total", SECOND).unwrap().with_policy(grpc);

    let start = Instant::now();
    let error = stack(Some(total())).oneshot(with_timeout().unwrap()).await.unwrap_err();
    assert_eq!(error.rejected().map(Rejected::reason), Some(Reason::TotalTimeout));
    assert_eq!(
        (start.elapsed(), std::mem::take(&mut *told.lock().unwrap())),
        (80 * MS, vec!["80m".into(), "30000000n".into()])
    );

    // Without a timeout of the caller, a server is told the attempt's; the third attempt has less left than that.
    let start = Instant::now();
    stack(None).oneshot(call().unwrap()).await.unwrap_err();
    assert_eq!(
        (start.elapsed(), std::mem::take(&mut *told.lock().unwrap())),
        (150 * MS, vec!["300000u".to_owned(); 3])
    );
}
