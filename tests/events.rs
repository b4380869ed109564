//! The events of every handle: what they report, and in which order.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{future::pending, io, sync::Arc, thread, time::Duration};

use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits, Limit, LimitEvent, LimitSettings};
use mainstay_circuit_breaker::{Breaker, BreakerEvent, BreakerSettings, KeyedBreakers, OpenSettings, State};
use mainstay_core::{BoxError, EVENTS_KEPT, Events, FailureKind, Outcome, Reason, Rejected};
use mainstay_failover::{AllDown, Endpoint, FailoverEvent, FailoverHandle, FailoverSettings};
use mainstay_fallback::{FallbackEvent, FallbackHandle, step_fn, value};
use mainstay_retry::{Retrier, RetryEvent, RetrySettings, StopReason};
use mainstay_timeout::{TimeLimit, TimeoutEvent};
use tokio::time::advance;

const MS: Duration = Duration::from_millis(1);

/// Returns the events that are there, none of which is lost.
fn all<E: Clone>(events: &mut Events<E>) -> Vec<E> {
    std::iter::from_fn(|| events.try_recv())
        .map(|received| {
            assert_eq!(received.lost, 0);
            received.event
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn retrier_reports_each_scheduled_retry_and_why_it_gave_up() {
    let backoff = mainstay_core::Backoff::constant(100 * MS).with_jitter(mainstay_core::Jitter::None);
    let retrier = Retrier::with_settings("orders", RetrySettings { backoff, ..RetrySettings::default() }).unwrap();
    let retrier = retrier.without_budget();
    let mut events = retrier.events();
    let failing = |_| async { Err::<(), _>(BoxError::from("down")) };
    retrier.run(failing).await.unwrap_err();
    let outcome = Outcome::failure(FailureKind::Unknown);
    let scheduled = |attempt| RetryEvent::Scheduled { attempt, delay: 100 * MS, outcome };
    let gave_up = RetryEvent::GaveUp { attempt: 3, reason: StopReason::Attempts, outcome: Some(outcome) };
    assert_eq!(all(&mut events), [scheduled(1), scheduled(2), gave_up]);

    let refused = |_| async { Err::<(), BoxError>(Rejected::new(Reason::CircuitOpen, "below").into()) };
    retrier.run(refused).await.unwrap_err();
    let outcome = Some(Outcome::rejected(None));
    assert_eq!(all(&mut events), [RetryEvent::GaveUp { attempt: 1, reason: StopReason::Rejected, outcome }]);
    retrier.run(|_| async { Ok::<_, BoxError>(()) }).await.unwrap();
    assert_eq!(all(&mut events), [], "a success is no event");
}

#[tokio::test(start_paused = true)]
async fn breaker_reports_opened_refused_half_open_and_closed() {
    let open = OpenSettings { jitter: 0.0, ..OpenSettings::constant(1_000 * MS) };
    let settings = BreakerSettings { open, ..BreakerSettings::quick() };
    let breaker = Breaker::with_settings("orders", settings).unwrap();
    let mut events = breaker.events();
    for _ in 0..5 {
        breaker.try_acquire().unwrap().record(Outcome::failure(FailureKind::Network));
    }
    breaker.try_acquire().unwrap_err();
    advance(1_000 * MS).await;
    for _ in 0..3 {
        breaker.try_acquire().unwrap().record(Outcome::Success);
    }
    let mut seen = Vec::new();
    while let Some(received) = events.try_recv() {
        assert_eq!((received.name.as_str(), received.lost), ("orders", 0));
        seen.push(match received.event {
            BreakerEvent::Changed(change) => (change.to.as_str(), change.sequence),
            BreakerEvent::Refused { retry_after } => {
                assert_eq!(retry_after, Some(1_000 * MS));
                ("refused", 0)
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, [("open", 1), ("refused", 0), ("half_open", 2), ("closed", 3)]);
    breaker.reset("ann");
    drop(breaker);
    assert!(events.recv().await.is_some_and(|received| received.event.as_str() == "changed"));
    assert!(events.recv().await.is_none(), "the handle is gone");
}

/// Two threads announced changes in the wrong order.
#[test]
fn changes_of_two_threads_come_in_their_order() {
    let breaker = Breaker::new("race");
    let mut events = breaker.events();
    thread::scope(|scope| {
        for author in ["left", "right"] {
            let breaker = &breaker;
            scope.spawn(move || {
                for _ in 0..EVENTS_KEPT / 4 {
                    breaker.force_open(author);
                    breaker.reset(author);
                }
            });
        }
    });
    let sequences: Vec<_> = all(&mut events)
        .into_iter()
        .map(|event| match event {
            BreakerEvent::Changed(change) => change.sequence,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sequences, (1..=EVENTS_KEPT as u64).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn keyed_breakers_have_one_stream_with_the_names_of_the_keys() {
    let breakers = KeyedBreakers::<u32>::new("shards");
    let mut events = breakers.events();
    for key in [1, 2] {
        breakers.get(&key).trip("test");
    }
    let names: Vec<_> = std::iter::from_fn(|| events.try_recv()).map(|received| received.name.to_string()).collect();
    assert_eq!(names, ["shards/1", "shards/2"]);
}

#[tokio::test(start_paused = true)]
async fn limit_reports_refusals_and_timeouts() {
    let settings = LimitSettings { limit: 1, execution_timeout: Some(100 * MS), ..LimitSettings::default() };
    let limit = Limit::with_settings("reports", settings).unwrap();
    let mut events = limit.events();
    limit.run(pending::<io::Result<()>>).await.unwrap_err();
    let permit = limit.try_acquire().unwrap();
    limit.run(pending::<io::Result<()>>).await.unwrap_err();
    drop(permit);
    let full = LimitEvent::Refused { reason: Reason::BulkheadFull };
    assert_eq!(all(&mut events), [LimitEvent::TimedOut, full.clone()]);

    let common = LimitSettings { limit: 1, ..LimitSettings::default() };
    let settings = KeyedBulkheadSettings { limit: common, capacity: 1 };
    let tenants = KeyedLimits::<String>::with_settings("tenants", settings).unwrap();
    let mut events = tenants.events();
    let _busy = tenants.try_acquire("red").unwrap();
    tenants.try_acquire("red").unwrap_err();
    tenants.try_acquire("blue").unwrap_err();
    let seen: Vec<_> = std::iter::from_fn(|| events.try_recv()).map(|r| (r.name.to_string(), r.event)).collect();
    assert_eq!(seen, [("tenants/red".to_owned(), full.clone()), ("tenants".to_owned(), full)]);
}

#[tokio::test(start_paused = true)]
async fn fallback_reports_answers_and_failed_steps() {
    let copy = step_fn("copy", |_: u32, _| async { Err::<u32, _>(io::Error::other("no copy")) });
    let steps = copy.or(value(7_u32).named("default"));
    let fallback = FallbackHandle::new("prices", &steps);
    let mut events = fallback.events();
    let down = |_| async { Err::<u32, _>(io::Error::other("down")) };
    assert_eq!(fallback.run(&steps, 1, down).await.unwrap(), 7);
    fallback.switch_off("default");
    fallback.run(&steps, 1, down).await.unwrap_err();
    let failed = || FallbackEvent::StepFailed { step: "copy".into(), error: "no copy".to_owned() };
    let answered = FallbackEvent::Answered { step: "default".into() };
    assert_eq!(all(&mut events), [failed(), answered, failed(), FallbackEvent::Exhausted]);
}

#[tokio::test(start_paused = true)]
async fn failover_reports_switches_and_refusals() {
    let settings = FailoverSettings { all_down: Some(AllDown::Refuse), ..FailoverSettings::default() };
    let replicas = FailoverHandle::with_settings("replicas", ["eu", "us"].map(Endpoint::named), settings).unwrap();
    let mut events = replicas.events();
    replicas.take_out("eu", "test").unwrap();
    replicas.take_out("us", "test").unwrap();
    assert!(replicas.active().is_none());
    replicas.run(|_| async { Ok::<_, io::Error>(()) }).await.unwrap_err();
    let seen: Vec<_> = all(&mut events)
        .into_iter()
        .map(|event| match event {
            FailoverEvent::Changed(change) => (change.sequence, change.to.map(|to| to.to_string())),
            FailoverEvent::Refused { .. } => (0, None),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [(1, Some("us".to_owned())), (2, None), (0, None), (0, None)]);
}

#[tokio::test(start_paused = true)]
async fn time_limit_reports_calls_that_take_too_long() {
    let limit = TimeLimit::attempt("orders", 100 * MS).unwrap();
    let mut events = limit.events();
    limit.run(pending::<io::Result<()>>).await.unwrap_err();
    assert_eq!(all(&mut events), [TimeoutEvent::TimedOut { time: 100 * MS }]);
}

/// A hook may read and change the handle whose event it gets: it runs outside of its locks.
#[tokio::test(start_paused = true)]
async fn hook_may_use_its_handle() {
    let breaker = Breaker::new("orders");
    let (in_hook, seen) = (breaker.clone(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let states = Arc::clone(&seen);
    let hook = tokio::spawn(breaker.events().for_each(move |received| {
        states.lock().unwrap().push(in_hook.snapshot().state);
        if in_hook.state() == State::Open {
            in_hook.reset("hook");
        }
        assert_ne!(received.event.as_str(), "changed", "the hook panics");
    }));
    breaker.trip("test");
    while breaker.state() == State::Open || seen.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*seen.lock().unwrap(), [State::Open, State::Closed]);
    hook.abort();
}
