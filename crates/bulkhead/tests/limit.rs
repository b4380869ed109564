//! What the handle guarantees, without Tower.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_bulkhead::{Group, Limit, LimitSettings, Permit};
use mainstay_core::{BoxError, Level, Reason, Refusal, Rejected};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task::spawn};

const SECOND: Duration = Duration::from_secs(1);

fn limit(limit: u32, queue: u32, max_wait: impl Into<Option<Duration>>) -> Limit {
    let max_wait = max_wait.into();
    Limit::with_settings("x", LimitSettings { limit, queue, max_wait, ..LimitSettings::default() }).unwrap()
}

fn take_all(limit: &Limit) -> Vec<Permit> {
    std::iter::from_fn(|| limit.try_acquire().ok()).collect()
}

fn refused_for<T>(result: Result<T, Rejected>) -> Option<Reason> {
    result.err().map(|rejected| rejected.reason())
}

#[tokio::test(start_paused = true)]
async fn free_permit_is_granted_despite_shortest_wait() {
    let limit = limit(1, 1, Duration::from_millis(1));
    let start = Instant::now();
    let _permit = limit.acquire().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn wait_times_out_and_frees_its_queue_place() {
    let limit = limit(1, 1, SECOND);
    let _permit = limit.try_acquire().unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(refused_for(limit.acquire().await), Some(Reason::QueueTimeout));
        assert_eq!(start.elapsed(), SECOND);
    }
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued, snapshot.rejected.queue_timeout), (1, 0, 2));
    assert_eq!(snapshot.abandoned, 0);
}

#[tokio::test(start_paused = true)]
async fn permits_are_granted_in_order_of_arrival() {
    let limit = limit(1, 3, None);
    let permit = limit.try_acquire().unwrap();
    let mut waiters: Vec<_> = (0..3).map(|_| spawn(limit.acquire())).collect();
    waiters.iter_mut().for_each(|waiter| assert_pending!(waiter.poll()));
    drop(permit);
    for waiter in &mut waiters {
        assert_eq!(refused_for(limit.try_acquire()), Some(Reason::BulkheadFull));
        assert!(waiter.is_woken());
        drop(assert_ready_ok!(waiter.poll()));
    }
    assert!(limit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn deadline_ends_wait() {
    let limit = limit(1, 2, SECOND * 10);
    let permit = limit.try_acquire().unwrap();
    let start = Instant::now();
    let passed = limit.acquire_by(start + SECOND).await;
    assert_eq!((refused_for(passed), start.elapsed()), (Some(Reason::DeadlineExceeded), SECOND));
    // The deadline has passed already: the call does not wait.
    assert_eq!(refused_for(limit.acquire_by(start).await), Some(Reason::DeadlineExceeded));
    assert_eq!(start.elapsed(), SECOND);
    // A permit granted after the deadline goes to the next waiter.
    let mut late = spawn(limit.acquire_by(Instant::now() + SECOND));
    let mut next = spawn(limit.acquire());
    assert_pending!(late.poll());
    assert_pending!(next.poll());
    advance(SECOND * 2).await;
    drop(permit);
    assert_eq!(refused_for(assert_ready!(late.poll())), Some(Reason::DeadlineExceeded));
    let _permit = assert_ready_ok!(next.poll());
    assert_eq!(limit.snapshot().rejected.deadline_exceeded, 3);
}

#[tokio::test(start_paused = true)]
async fn growing_wakes_waiters_at_once() {
    let limit = limit(1, 5, None);
    let _held = limit.try_acquire().unwrap();
    let mut waiters: Vec<_> = (0..3).map(|_| spawn(limit.acquire())).collect();
    waiters.iter_mut().for_each(|waiter| assert_pending!(waiter.poll()));
    limit.resize(3).unwrap();
    let _first = assert_ready_ok!(waiters[0].poll());
    let _second = assert_ready_ok!(waiters[1].poll());
    assert_pending!(waiters[2].poll());
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().queued), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn waiter_keeps_its_timeout_and_place_after_reconfigure() {
    let limit = limit(1, 1, SECOND * 100);
    let permit = limit.try_acquire().unwrap();
    let mut waiter = spawn(limit.acquire());
    assert_pending!(waiter.poll());
    limit.reconfigure(LimitSettings { queue: 0, max_wait: Some(SECOND), ..limit.settings() }).unwrap();
    assert_eq!(refused_for(limit.acquire().await), Some(Reason::BulkheadFull));
    advance(SECOND * 50).await;
    assert_pending!(waiter.poll());
    drop(permit);
    let _permit = assert_ready_ok!(waiter.poll());
}

#[test]
fn member_exceeds_its_limit_by_a_fifth_within_group_total() {
    let group = Group::new("storage");
    let settings = LimitSettings { limit: 10, ..LimitSettings::default() };
    let (reads, writes) = (group.limit("reads", settings).unwrap(), group.limit("writes", settings).unwrap());
    let read = take_all(&reads);
    assert_eq!(read.len(), 12);
    // What `reads` has borrowed does not reduce what `writes` owns.
    let written = take_all(&writes);
    assert_eq!(written.len(), 10);
    let snapshot = group.snapshot();
    assert_eq!((snapshot.total, snapshot.in_flight, snapshot.members), (20, 22, 2));
    drop(read);
    assert_eq!(take_all(&writes).len(), 2);
    drop((written, writes));
    assert_eq!((group.snapshot().total, group.snapshot().in_flight), (10, 0));
    // Alone in its group, it has no other member to borrow from.
    assert_eq!(take_all(&reads).len(), 10);
    reads.resize(4).unwrap();
    assert_eq!((group.snapshot().total, take_all(&reads).len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn slot_freed_by_one_member_is_lent_to_waiter_of_another() {
    let group = Group::with_total("storage", 11).unwrap();
    let settings = LimitSettings { limit: 5, queue: 2, max_wait: None, ..LimitSettings::default() };
    let (reads, writes) = (group.limit("reads", settings).unwrap(), group.limit("writes", settings).unwrap());
    let (read, _written) = (take_all(&reads), take_all(&writes));
    assert_eq!(group.snapshot().in_flight, 11);
    let mut writer = spawn(writes.acquire());
    assert_pending!(writer.poll());
    assert_eq!(group.snapshot().queued, 1);
    drop(read);
    let permit = assert_ready_ok!(writer.poll());
    assert_eq!((writes.snapshot().in_flight, group.snapshot().queued), (6, 0));
    drop(permit);
    assert_eq!(group.snapshot().in_flight, 5);
}

#[tokio::test(start_paused = true)]
async fn run_holds_permit_and_times_out() {
    let limit = limit(1, 0, None);
    limit.reconfigure(LimitSettings { execution_timeout: Some(SECOND), ..limit.settings() }).unwrap();
    let inside = limit.run(|| async { Ok::<_, BoxError>(limit.snapshot().in_flight) }).await.unwrap();
    assert_eq!((inside, limit.snapshot().in_flight), (1, 0));
    let slow = limit.run(std::future::pending::<Result<(), BoxError>>).await.unwrap_err();
    assert_eq!(slow.rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert!(slow.rejected().unwrap().outcome().is_failure());
    let failed = limit.run(|| async { "x".parse::<u32>() }).await.unwrap_err();
    assert!(failed.is::<std::num::ParseIntError>());
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.timed_out, snapshot.permitted, snapshot.in_flight), (1, 3, 0));
}

#[tokio::test]
async fn blocking_work_keeps_its_permit_until_it_ends() {
    let limit = limit(1, 0, None);
    let (start, started) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let mut call = spawn(limit.run_blocking(move || {
        start.send(()).unwrap();
        ended.recv()
    }));
    assert_pending!(call.poll());
    started.recv().unwrap();
    drop(call);
    assert_eq!(limit.snapshot().in_flight, 1);
    end.send(()).unwrap();
    while limit.snapshot().in_flight > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(limit.run_blocking(|| "42".parse::<u32>()).await.unwrap(), 42);
}

#[test]
fn snapshot_figures_add_up() {
    let limit = limit(4, 0, None);
    let permits = take_all(&limit);
    drop(permits);
    let _one = limit.try_acquire().unwrap();
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.limit, snapshot.queue, snapshot.in_flight, snapshot.peak), (4, 0, 1, 4));
    assert_eq!((snapshot.permitted, snapshot.rejected.full, snapshot.rejected.total()), (5, 1, 1));
    assert_eq!((snapshot.utilisation, snapshot.rejection_rate), (0.25, 1.0 / 6.0));
    assert_eq!(Limit::new("y", 1).unwrap().snapshot().rejection_rate, 0.0);
}

#[tokio::test(start_paused = true)]
async fn status_is_degraded_from_refusal_until_permits_are_free() {
    let limit = limit(4, 0, None);
    let mut status = limit.subscribe();
    assert_eq!(status.get().level, Level::Healthy);
    let mut permits = take_all(&limit);
    assert_eq!(status.changed().await.unwrap().level, Level::Degraded);
    permits.pop();
    assert_eq!(status.changed().await.unwrap().level, Level::Healthy);
    // A full limit is not degraded before it refuses a call.
    permits.push(limit.try_acquire().unwrap());
    assert_eq!(status.get().level, Level::Healthy);
}

#[test]
fn invalid_settings_report_field_value_and_range() {
    let wrong = |change: fn(&mut LimitSettings)| {
        let mut settings = LimitSettings::default();
        change(&mut settings);
        let error = Limit::new("x", 1).unwrap().reconfigure(settings).unwrap_err();
        assert_eq!(Limit::with_settings("x", settings).unwrap_err(), error.clone().of("x"));
        error.to_string()
    };
    assert_eq!(wrong(|s| s.limit = 0), "limit = 0: must be 1 to 1000000");
    assert_eq!(Limit::new("orders", 0).unwrap_err().to_string(), "orders: limit = 0: must be 1 to 1000000");
    assert_eq!(Group::with_total("all", 0).unwrap_err().owner(), Some("all"));
    assert_eq!(wrong(|s| s.queue = 1_000_001), "queue = 1000001: must be 0 to 1000000");
    assert!(wrong(|s| s.max_wait = Some(Duration::ZERO)).starts_with("max_wait = 0s: must be 1ms to"));
    assert!(wrong(|s| s.execution_timeout = Some(Duration::MAX)).starts_with("execution_timeout = "));
    assert_eq!(Limit::new("x", 0).unwrap_err().field(), "limit");
    assert_eq!(Limit::new("x", 1).unwrap().resize(0).unwrap_err().field(), "limit");
    assert_eq!(Group::with_total("x", 0).unwrap_err().field(), "total");
}

#[cfg(feature = "serde")]
#[test]
fn settings_deserialize_and_snapshots_serialize() {
    let settings: LimitSettings = serde_json::from_str(r#"{"limit": 3, "queue": 2, "max_wait": "250ms"}"#).unwrap();
    assert_eq!((settings.limit, settings.max_wait), (3, Some(Duration::from_millis(250))));
    assert!(serde_json::from_str::<LimitSettings>(r#"{"limits": 3}"#).is_err());
    let shown = serde_json::to_value(limit(3, 0, None).snapshot()).unwrap();
    assert_eq!((&shown["limit"], &shown["rejected"]["full"]), (&3.into(), &0.into()));
}

#[test]
fn waiter_dropped_with_its_grant_passes_it_on() {
    let limit = limit(1, 2, None);
    let permit = limit.try_acquire().unwrap();
    let (mut first, mut second) = (spawn(limit.acquire()), spawn(limit.acquire()));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(permit);
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken());
    drop(second);
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued, snapshot.abandoned), (0, 0, 2));
    assert_ready_err!(spawn(async { limit.try_acquire().map(|_permit| limit.try_acquire())? }).poll());
}

#[tokio::test(start_paused = true)]
async fn leaked_limit_shares_permits_with_earlier_clones() {
    let counted = limit(2, 1, SECOND);
    let leaked = counted.clone().leak();
    let (first, second) = (counted.try_acquire().unwrap(), leaked.try_acquire().unwrap());
    assert_eq!(refused_for(leaked.try_acquire()), Some(Reason::BulkheadFull));
    let mut queued = spawn(leaked.acquire());
    assert_pending!(queued.poll());
    drop(first);
    let third = assert_ready_ok!(queued.poll());
    drop((second, third));
    counted.resize(1).unwrap();
    assert_eq!(take_all(&leaked).len(), 1);
    assert_eq!(counted.snapshot().in_flight, 0);
}
