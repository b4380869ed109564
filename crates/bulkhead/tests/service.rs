//! What the layer guarantees beyond the Tower contract.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{future::poll_fn, time::Duration};

use mainstay_bulkhead::{Bulkhead, BulkheadLayer, Limit, LimitSettings};
use mainstay_core::{
    BoxError, Reason, Refusal, Rejected, RequestContext, check,
    test::{Probe, ProbeError, ProbePolicy, Readiness, Reply, Request, Wakes, call},
};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn layer(settings: LimitSettings) -> BulkheadLayer {
    BulkheadLayer::with(Limit::with_settings("x", settings).unwrap())
}

fn one(queue: u32) -> LimitSettings {
    LimitSettings { limit: 1, queue, max_wait: Some(SECOND), execution_timeout: None }
}

fn refused_for<T>(result: Result<T, BoxError>) -> Option<Reason> {
    result.err()?.rejected().map(Rejected::reason)
}

#[tokio::test(start_paused = true)]
async fn max_wait_covers_permit_and_inner_readiness() {
    let (probe, layer) = (Probe::new(), layer(one(1)));
    let permit = layer.handle().try_acquire().unwrap();
    probe.set_readiness(Readiness::Pending);
    let start = Instant::now();
    let mut service = layer.layer(probe.clone());
    let waits = tokio::spawn(async move { call(&mut service, Request::default()).await });
    tokio::time::sleep(SECOND / 2).await;
    // Half of `max_wait` is spent on the permit, the other half on the inner service.
    drop(permit);
    assert_eq!(refused_for(waits.await.unwrap()), Some(Reason::QueueTimeout));
    assert_eq!((start.elapsed(), probe.calls()), (SECOND, 0));
    assert_eq!((layer.handle().snapshot().in_flight, probe.instances()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn queued_call_is_refused_at_its_deadline() {
    let (probe, layer) = (Probe::new(), layer(one(1)).with_policy(ProbePolicy));
    let _permit = layer.handle().try_acquire().unwrap();
    let start = Instant::now();
    let deadline = RequestContext::new().with_deadline(start + SECOND / 4);
    let mut service = layer.layer(probe.clone());
    let result = call(&mut service, Request::default().with_context(deadline)).await;
    assert_eq!(refused_for(result), Some(Reason::DeadlineExceeded));
    assert_eq!((start.elapsed(), probe.calls()), (SECOND / 4, 0));
}

#[tokio::test(start_paused = true)]
async fn execution_timeout_drops_call_and_returns_permit() {
    let (probe, layer) = (Probe::new(), layer(LimitSettings { execution_timeout: Some(SECOND), ..one(0) }));
    probe.always(Reply::Hang);
    let start = Instant::now();
    let mut service = layer.layer(probe.clone());
    assert_eq!(refused_for(call(&mut service, Request::default()).await), Some(Reason::AttemptTimeout));
    let snapshot = layer.handle().snapshot();
    assert_eq!((start.elapsed(), probe.live(), snapshot.in_flight, snapshot.timed_out), (SECOND, 0, 0, 1));
    assert_eq!(snapshot.rejected.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn refusal_decided_in_poll_ready_stands_after_a_release() {
    let (probe, layer) = (Probe::new(), layer(one(0)));
    let permit = layer.handle().try_acquire().unwrap();
    let mut service = layer.layer(probe.clone());
    poll_fn(|cx| Service::<Request>::poll_ready(&mut service, cx)).await.unwrap();
    drop(permit);
    assert_eq!(refused_for(service.call(Request::default()).await), Some(Reason::BulkheadFull));
    assert_eq!((probe.calls(), probe.ready_polls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn caller_waiting_for_inner_readiness_is_woken_when_permits_run_out() {
    for queue in [0, 1] {
        let (probe, layer, task) = (Probe::new(), layer(one(queue)), Wakes::new());
        probe.set_readiness(Readiness::Pending);
        let mut service = layer.layer(probe.clone());
        let mut poll = || task.context(|cx| Service::<Request>::poll_ready(&mut service, cx));
        assert!(poll().is_pending());
        let permit = layer.handle().try_acquire().unwrap();
        assert_eq!(task.take(), 1);
        assert!(poll().is_ready());
        drop(permit);
        // With a permit free, the caller waits for the inner service again.
        assert!(poll().is_pending());
        let _permit = layer.handle().try_acquire().unwrap();
        assert_eq!(task.take(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_can_be_typed() {
    #[derive(Debug)]
    enum Error {
        Refused(Rejected),
        Probe(ProbeError),
    }

    impl From<Rejected> for Error {
        fn from(rejected: Rejected) -> Self {
            Self::Refused(rejected)
        }
    }

    impl From<ProbeError> for Error {
        fn from(error: ProbeError) -> Self {
            Self::Probe(error)
        }
    }

    impl Refusal for Error {
        fn rejected(&self) -> Option<&Rejected> {
            match self {
                Self::Refused(rejected) => Some(rejected),
                Self::Probe(_) => None,
            }
        }

        fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
            match self {
                Self::Refused(rejected) => Some(rejected),
                Self::Probe(error) => Some(error),
            }
        }
    }

    let (probe, layer) = (Probe::new(), layer(one(0)).with_error::<Error>());
    probe.always(Reply::Fail);
    let mut service = check::<Request, _, Error, _>(layer.layer(probe));
    assert!(matches!(call(&mut service, Request::default()).await, Err(Error::Probe(ProbeError::Failed))));
    let _permit = layer.handle().try_acquire().unwrap();
    let error = call(&mut service, Request::default()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::BulkheadFull);
}

/// The service puts no bounds on request and response: no `Send`, no `'static`, no `Clone`.
#[tokio::test(start_paused = true)]
async fn requests_may_borrow_and_be_neither_send_nor_clone() {
    let text = String::from("42");
    let local = std::rc::Rc::new(());
    async fn parse((text, _local): (&str, std::rc::Rc<()>)) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }
    let service = service_fn(parse);
    let service = BulkheadLayer::new("x", 1).unwrap().layer(service);
    assert_eq!(service.oneshot((text.as_str(), local)).await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn queued_call_moves_between_tasks() {
    let (probe, layer) = (Probe::new(), layer(one(1)));
    let permit = layer.handle().try_acquire().unwrap();
    let mut service = layer.layer(probe);
    poll_fn(|cx| Service::<Request>::poll_ready(&mut service, cx)).await.unwrap();
    let mut first = spawn(Box::pin(service.call(Request::default())));
    assert_pending!(first.poll());
    let mut second = spawn(first.into_inner());
    assert_pending!(second.poll());
    drop(permit);
    assert!(second.is_woken());
    assert!(assert_ready!(second.poll()).is_ok());
}

#[test]
fn debug_output_shows_figures() {
    let layer = layer(one(2));
    let _permit = layer.handle().try_acquire().unwrap();
    let service: Bulkhead<Probe> = layer.layer(Probe::new());
    let shown = format!("{service:?} {layer:?}");
    assert!(shown.contains("limit: 1, in_flight: 1, queued: 0"), "{shown}");
}
