//! Endpoints that are not ready.
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

/// A peer: a router that polls all backends, so one dead one stalls it.
#[tokio::test(start_paused = true)]
async fn a_backup_that_is_not_ready_stalls_nobody() {
    let (failover, _, backup) = two(settings());
    backup.set(Fate::NotReady);
    let start = Instant::now();
    assert_eq!(failover.oneshot(1).await.unwrap(), "primary");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_is_not_ready_is_passed_over_past_patience() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::NotReady);
    let start = Instant::now();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(start.elapsed(), 50 * MS);
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary, "for that request only");
}

#[tokio::test(start_paused = true)]
async fn one_that_becomes_ready_within_patience_is_used() {
    let (failover, primary, backup) = probes();
    primary.set_readiness(Readiness::Pending);
    let request = tokio::spawn(failover.oneshot(Request::new(1)));
    tokio::time::sleep(20 * MS).await;
    primary.set_readiness(Readiness::Ready);
    request.await.unwrap().unwrap();
    assert_eq!((primary.calls(), backup.calls()), (1, 0));
}

/// While it waits for the primary, leaving the primary wakes it: an open breaker must not wait for a dead client.
#[tokio::test(start_paused = true)]
async fn a_switch_wakes_who_waits() {
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

/// `ConcurrencyLimit` keeps a place in its queue for who asked once, and then the permit, used or not.
#[tokio::test(start_paused = true)]
async fn a_place_in_the_queue_of_an_endpoint_that_was_left_is_let_go() {
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

/// With nobody ready it waits, and goes to the first that becomes so.
#[tokio::test(start_paused = true)]
async fn with_nobody_ready_the_first_that_becomes_so_is_used() {
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

/// A peer: `poll_ready` errors skip the fallback.
#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_goes_to_the_next_and_counts() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::ReadinessFails);
    for _ in 0..3 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    }
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnBackup);
}

/// `Buffer` and the like end for good with an error of `poll_ready`: a passing one must come out of `call`.
#[tokio::test(start_paused = true)]
async fn an_error_of_every_readiness_comes_out_of_call() {
    let (mut failover, primary, backup) = two(settings());
    primary.set(Fate::ReadinessFails);
    backup.set(Fate::ReadinessFails);
    poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
    assert_eq!(failover.call(1).await.unwrap_err().to_string(), "not ready");
    primary.set(Fate::Answer);
    assert_eq!(failover.ready().await.unwrap().call(1).await.unwrap(), "primary");
}

/// The readiness of an endpoint that was left in the meantime is given back, not used and not kept.
#[tokio::test(start_paused = true)]
async fn readiness_of_an_endpoint_that_was_left_is_let_go() {
    let (mut failover, primary, backup) = probes();
    poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
    assert_eq!(primary.reserved(), 1);
    failover.handle().take_out("primary", "test").unwrap();
    let answer = failover.call(Request::new(1));
    assert_eq!(primary.reserved(), 0);
    answer.await.unwrap();
    assert_eq!((primary.calls(), backup.calls()), (0, 1));
}

/// A peer: a clone that copies readiness and panics. `ConcurrencyLimit` panics when called without its permit.
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

/// The Tower contract forbids it; a panic would take the caller's task down all the same.
#[tokio::test(start_paused = true)]
async fn a_call_without_poll_ready_still_takes_the_endpoint_to_readiness() {
    let (mut failover, primary, _) = probes();
    failover.call(Request::new(1)).await.unwrap();
    assert_eq!(primary.calls(), 1);
}

/// A panic of an endpoint is its failure, and takes nothing with it.
#[tokio::test(start_paused = true)]
async fn a_panic_counts() {
    for reply in [Reply::Panic, Reply::PanicInCall] {
        let (failover, primary, _) = probes();
        primary.always(reply);
        for _ in 0..3 {
            assert!(tokio::spawn(failover.clone().oneshot(Request::new(1))).await.is_err());
        }
        assert_eq!(failover.handle().snapshot().state, FailoverState::OnBackup);
        assert_eq!((primary.live(), primary.reserved()), (0, 0));
    }
}

/// A future that is polled after its end stays pending instead of panicking.
#[tokio::test(start_paused = true)]
async fn polled_after_the_end() {
    let (failover, ..) = two(settings());
    let mut future = Box::pin({
        let mut failover = failover.clone();
        poll_fn(|cx| failover.poll_ready(cx)).await.unwrap();
        failover.call(1)
    });
    future.as_mut().await.unwrap();
    assert!(matches!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}
