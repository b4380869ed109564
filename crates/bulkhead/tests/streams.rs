//! A permit is kept until the answer's stream has ended.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{io, time::Duration};

use mainstay_bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedLimits, KeyedSettings, Limit, LimitSettings};
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
async fn the_permit_comes_back_when_the_stream_ends() {
    let limit = limit(0);
    let service = service(&limit);
    for ends in [|stream: Stream| stream.end(Outcome::Success), |stream| drop(stream)] {
        let stream = service.clone().oneshot(1).await.unwrap();
        assert_eq!(limit.snapshot().in_flight, 1, "its head is there, and it goes on");
        assert!(service.clone().oneshot(2).await.unwrap_err().rejected().is_some());
        ends(stream);
        assert_eq!(limit.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_permit_of_a_stream_that_ends() {
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
async fn at_the_head_where_the_policy_says_so() {
    let limit = limit(0);
    let service = ServiceBuilder::new()
        .layer(BulkheadLayer::with(limit.clone()).with_policy(HeadOnly(Streaming)))
        .service(service_fn(|_: u32| async { Ok::<_, io::Error>(Stream::default()) }));
    let _streams = [service.clone().oneshot(1).await.unwrap(), service.oneshot(2).await.unwrap()];
    assert_eq!(limit.snapshot().in_flight, 0);
}

/// A stream may outlive the service, and whoever reads it may panic.
#[tokio::test(start_paused = true)]
async fn a_reader_that_panics_gives_the_permit_back() {
    let limit = limit(0);
    let stream = service(&limit).oneshot(1).await.unwrap();
    let reader = std::thread::spawn(move || {
        let _stream = stream;
        std::panic::resume_unwind(Box::new("a reader's own trouble"));
    });
    assert!(reader.join().is_err());
    assert_eq!(limit.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_busy_until_its_streams_end() {
    let settings = KeyedSettings { limit: LimitSettings { limit: 1, ..LimitSettings::default() }, capacity: 1 };
    let limits = KeyedLimits::with_settings("streams", settings).unwrap();
    let service = ServiceBuilder::new()
        .layer(KeyedBulkheadLayer::new(limits.clone(), |key: &u32| *key).with_policy(Streaming))
        .service(service_fn(|_: u32| async { Ok::<_, io::Error>(Stream::default()) }));
    let stream = service.clone().oneshot(1).await.unwrap();
    assert!(service.clone().oneshot(1).await.unwrap_err().rejected().is_some());
    assert!(service.clone().oneshot(2).await.is_err(), "there is no room for another key");
    stream.end(Outcome::Success);
    drop(service.oneshot(2).await.unwrap());
    assert_eq!(limits.snapshot().in_flight, 0);
}
