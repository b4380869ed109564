//! Readiness: endpoints whose services are not ready.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    future::poll_fn,
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{Fate, Script, settings, two};
use mainstay_core::test::{Probe, Readiness, Reply, Request};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverState};
use tokio::time::Instant;
use tower::{Service, ServiceExt, limit::ConcurrencyLimit};

const MS: Duration = Duration::from_millis(1);

fn probes() -> (Failover<Probe>, Probe, Probe) {
    let (primary, backup) = (Probe::new(), Probe::new());
    let both = [Endpoint::new("primary", primary.clone()), Endpoint::new("backup", backup.clone())];
    (Failover::with_settings("x", both, settings()).unwrap(), primary, backup)
}

/// A peer polls all backends for readiness, so that one dead backend stalls it.
#[tokio::test(start_paused = true)]
async fn unready_backup_does_not_delay_requests_to_the_primary() {
    let (failover, _, backup) = two(settings());
    backup.set(Fate::NotReady);
    let start = Instant::now();
    assert_eq!(failover.oneshot(1).await.unwrap(), "primary");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn unready_primary_is_passed_over_after_ready_timeout() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::NotReady);
    let start = Instant::now();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(start.elapsed(), 50 * MS);
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary, "for that request only");
}

#[tokio::test(start_paused = true)]
async fn primary_ready_within_ready_timeout_is_used() {
    let (failover, primary, backup) = probes();
    primary.set_readiness(Readiness::Pending);
    let request = tokio::spawn(failover.oneshot(Request::new(1)));
    tokio::time::sleep(20 * MS).await;
    primary.set_readiness(Readiness::Ready);
    request.await.unwrap().unwrap();
    assert_eq!((primary.calls(), backup.calls()), (1, 0));
}

/// An open breaker must not wait for the readiness of a dead client.
#[tokio::test(start_paused = true)]
async fn switch_wakes_a_request_waiting_for_the_primary() {
    let (primary, backup) = (Probe::new(), Probe::new());
    let both = [Endpoint::new("primary", primary.clone()), Endpoint::new("backup", backup.clone())];
    let settings = FailoverSettings { ready_timeout: Duration::from_secs(60), ..settings() };
    let failover = Failover::with_settings("x", both, settings).unwrap();
    primary.set_readiness(Readiness::Pending);
    let (handle, start) = (failover.handle().clone(), Instant::now());
    let request = tokio::spawn(failover.oneshot(Request::new(1)));
    tokio::time::sleep(MS).await;
    handle.take_out("primary", "test").unwrap();
    request.await.unwrap().unwrap();
    assert_eq!((start.elapsed(), backup.calls()), (MS, 1));
}

/// `ConcurrencyLimit` keeps a place in its queue for a service that was polled once, and then the permit, used or not.
#[tokio::test(start_paused = true)]
async fn leaving_an_endpoint_releases_the_place_in_its_queue() {
    let (primary, backup) = (Probe::new(), Probe::new());
    let primary = ConcurrencyLimit::new(primary, 1);
    let both =
        [Endpoint::new("primary", primary.clone()), Endpoint::new("backup", ConcurrencyLimit::new(backup.clone(), 1))];
    let settings = FailoverSettings { ready_timeout: Duration::from_secs(60), ..settings() };
    let mut failover = Failover::with_settings("x", both, settings).unwrap();
    let mut busy = primary.clone();
    poll_fn(|cx| busy.poll_ready(cx)).await.unwrap();

    let mut cx = Context::from_waker(Waker::noop());
    assert!(Service::<Request>::poll_ready(&mut failover, &mut cx).is_pending());
    failover.handle().take_out("primary", "test").unwrap();
    failover.ready().await.unwrap().call(Request::new(1)).await.unwrap();
    assert_eq!(backup.calls(), 1);

    drop(busy);
    let mut primary = primary;
    assert!(Service::<Request>::poll_ready(&mut primary, &mut cx).is_ready(), "its permit is free");
}

#[tokio::test(start_paused = true)]
async fn request_waits_for_the_first_endpoint_to_become_ready() {
    let (failover, primary, backup) = probes();
    primary.set_readiness(Readiness::Pending);
    backup.set_readiness(Readiness::Pending);
    let request = tokio::spawn(failover.oneshot(Request::new(1)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    backup.set_readiness(Readiness::Ready);
    request.await.unwrap().unwrap();
    assert_eq!((primary.calls(), backup.calls()), (0, 1));
    assert_eq!((primary.reserved(), backup.reserved()), (0, 0));
}

/// In a peer an error of `poll_ready` skips the fallback.
#[tokio::test(start_paused = true)]
async fn readiness_error_counts_and_the_next_endpoint_is_used() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::ReadinessFails);
    for _ in 0..3 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    }
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnBackup);
}

/// An error of `poll_ready` ends a `Buffer` for good, so a transient one is returned by `call`.
#[tokio::test(start_paused = true)]
async fn call_returns_the_error_when_every_readiness_fails() {
    let (mut failover, primary, backup) = two(settings());
    primary.set(Fate::ReadinessFails);
    backup.set(Fate::ReadinessFails);
    poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
    assert_eq!(failover.call(1).await.unwrap_err().to_string(), "not ready");
    primary.set(Fate::Answer);
    assert_eq!(failover.ready().await.unwrap().call(1).await.unwrap(), "primary");
}

#[tokio::test(start_paused = true)]
async fn call_releases_the_readiness_of_an_endpoint_left_meanwhile() {
    let (mut failover, primary, backup) = probes();
    poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
    assert_eq!(primary.reserved(), 1);
    failover.handle().take_out("primary", "test").unwrap();
    let answer = failover.call(Request::new(1));
    assert_eq!(primary.reserved(), 0);
    answer.await.unwrap();
    assert_eq!((primary.calls(), backup.calls()), (0, 1));
}

/// In a peer a clone copies readiness and panics. `ConcurrencyLimit` panics when it is called without its permit.
#[tokio::test(start_paused = true)]
async fn second_attempts_are_made_on_ready_services() {
    let limited = |fate| {
        let script = Script::new("limited");
        script.set(fate);
        ConcurrencyLimit::new(script, 1)
    };
    let both = [Endpoint::new("a", limited(Fate::Fail)), Endpoint::new("b", limited(Fate::AnswerAfter(10 * MS)))];
    let failover = Failover::with_settings("x", both, settings()).unwrap();
    for _ in 0..6 {
        let [one, two] = [failover.clone(), failover.clone()].map(|failover| tokio::spawn(failover.oneshot(1)));
        assert_eq!((one.await.unwrap().unwrap(), two.await.unwrap().unwrap()), ("limited", "limited"));
    }
}

/// The Tower contract forbids such a call; it works rather than panicking in the caller's task.
#[tokio::test(start_paused = true)]
async fn call_without_poll_ready_polls_the_endpoint_for_readiness() {
    let (mut failover, primary, _) = probes();
    failover.call(Request::new(1)).await.unwrap();
    assert_eq!(primary.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn panic_counts_as_a_failure_and_keeps_no_readiness() {
    for reply in [Reply::Panic, Reply::PanicInCall] {
        let (failover, primary, _) = probes();
        primary.always(reply);
        for _ in 0..3 {
            assert!(tokio::spawn(failover.clone().oneshot(Request::new(1))).await.is_err());
        }
        let endpoint = &failover.handle().snapshot().endpoints[0];
        assert_eq!((endpoint.consecutive_failures, endpoint.comparisons), (3, 1));
        assert_eq!((primary.live(), primary.reserved()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn future_polled_after_its_end_is_pending() {
    let (failover, ..) = two(settings());
    let mut future = Box::pin({
        let mut failover = failover.clone();
        poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
        failover.call(1)
    });
    future.as_mut().await.unwrap();
    assert!(matches!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}
