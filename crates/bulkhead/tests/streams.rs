//! A permit is kept until the response's stream has ended.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{io, time::Duration};

use mainstay_bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedBulkheadSettings, KeyedLimits, Limit, LimitSettings};
use mainstay_core::{
    BoxError, HeadOnly, Outcome, Refusal,
    test::{Stream, Streaming},
};
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

type Call = Result<Stream, BoxError>;

fn limit(queue: u32) -> Limit {
    let settings = LimitSettings { limit: 1, queue, max_wait: Some(Duration::from_secs(1)), execution_timeout: None };
    Limit::with_settings("streams", settings).unwrap()
}

fn service(
    limit: &Limit,
) -> impl Service<u32, Response = Stream, Error = BoxError, Future: Future<Output = Call>> + Clone {
    ServiceBuilder::new()
        .layer(BulkheadLayer::with(limit.clone()).with_policy(Streaming))
        .service(service_fn(|_: u32| async { Ok::<_, io::Error>(Stream::default()) }))
}

#[tokio::test(start_paused = true)]
async fn permit_returns_when_stream_ends() {
    let limit = limit(0);
    let service = service(&limit);
    for ends in [|stream: Stream| stream.end(Outcome::Success), |stream| drop(stream)] {
        let stream = service.clone().oneshot(1).await.unwrap();
        assert_eq!(limit.snapshot().in_flight, 1, "the head has arrived, and the stream goes on");
        assert!(service.clone().oneshot(2).await.unwrap_err().rejected().is_some());
        ends(stream);
        assert_eq!(limit.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn end_of_stream_wakes_waiter() {
    let limit = limit(1);
    let service = service(&limit);
    let stream = service.clone().oneshot(1).await.unwrap();
    let mut waits = spawn(service.oneshot(2));
    assert_pending!(waits.poll());
    stream.end(Outcome::Success);
    assert!(waits.is_woken());
    let _stream = assert_ready!(waits.poll()).unwrap();
    assert_eq!(limit.snapshot().in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn head_only_policy_returns_permit_at_head() {
    let limit = limit(0);
    let service = ServiceBuilder::new()
        .layer(BulkheadLayer::with(limit.clone()).with_policy(HeadOnly(Streaming)))
        .service(service_fn(|_: u32| async { Ok::<_, io::Error>(Stream::default()) }));
    let _streams = [service.clone().oneshot(1).await.unwrap(), service.oneshot(2).await.unwrap()];
    assert_eq!(limit.snapshot().in_flight, 0);
}

/// A stream may outlive the service, and its reader may panic.
#[tokio::test(start_paused = true)]
async fn panicking_reader_returns_permit() {
    let limit = limit(0);
    let stream = service(&limit).oneshot(1).await.unwrap();
    let reader = std::thread::spawn(move || {
        let _stream = stream;
        std::panic::resume_unwind(Box::new("a panic of the reader"));
    });
    assert!(reader.join().is_err());
    assert_eq!(limit.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn key_is_busy_until_its_streams_end() {
    let settings = KeyedBulkheadSettings { limit: LimitSettings { limit: 1, ..LimitSettings::default() }, capacity: 1 };
    let limits = KeyedLimits::with_settings("streams", settings).unwrap();
    let service = ServiceBuilder::new()
        .layer(KeyedBulkheadLayer::with(limits.clone(), |key: &u32| *key).with_policy(Streaming))
        .service(service_fn(|_: u32| async { Ok::<_, io::Error>(Stream::default()) }));
    let stream = service.clone().oneshot(1).await.unwrap();
    assert!(service.clone().oneshot(1).await.unwrap_err().rejected().is_some());
    assert!(service.clone().oneshot(2).await.is_err(), "all kept keys are busy");
    stream.end(Outcome::Success);
    drop(service.oneshot(2).await.unwrap());
    assert_eq!(limits.snapshot().in_flight, 0);
}
