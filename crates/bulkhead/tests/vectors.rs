//! Behaviour of established libraries, as their own test suites assert it. Each test names its vectors.
//!
//! Different on purpose: a limit of zero ("always refuse", `bh-r4j-02-zero-capacity`) is an invalid setting, see
//! `invalid_settings_report_field_value_and_range`; a shrink never blocks (`bh-r4j-04-grow-while-held`); partitions
//! (`bh-net-*-partition*`) are members of a group, which lends a fifth and not everything.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{collections::BTreeMap, pin::Pin, task::Poll, time::Duration};

use mainstay_bulkhead::{Group, Limit, LimitSettings, Permit};
use mainstay_core::Rejected;
use tokio::time::advance;
use tokio_test::task::{Spawn, spawn};

type Waiter = Spawn<Pin<Box<dyn Future<Output = Result<Permit, Rejected>>>>>;

/// The callers of one vector, by their names in it.
struct Callers {
    limit: Limit,
    waiting: BTreeMap<&'static str, Waiter>,
    granted: BTreeMap<&'static str, Permit>,
}

#[derive(Debug, PartialEq)]
enum State {
    Granted,
    Pending,
    Refused,
}

use State::{Granted, Pending, Refused};

impl Callers {
    fn new(limit: u32, queue: u32, max_wait_ms: Option<u64>) -> Self {
        let max_wait = max_wait_ms.map(Duration::from_millis);
        let settings = LimitSettings { limit, queue, max_wait, ..LimitSettings::default() };
        let limit = Limit::with_settings("vector", settings).unwrap();
        Self { limit, waiting: BTreeMap::new(), granted: BTreeMap::new() }
    }

    fn acquire(&mut self, id: &'static str) -> State {
        let limit = self.limit.clone();
        self.waiting.insert(id, spawn(Box::pin(async move { limit.acquire().await })));
        self.poll(id)
    }

    fn poll(&mut self, id: &'static str) -> State {
        let Some(waiter) = self.waiting.get_mut(id) else { return Granted };
        let Poll::Ready(result) = waiter.poll() else { return Pending };
        self.waiting.remove(id);
        result.map_or(Refused, |permit| {
            self.granted.insert(id, permit);
            Granted
        })
    }

    fn release(&mut self, id: &'static str) {
        drop(self.granted.remove(id).unwrap());
    }

    fn resize(&self, limit: u32) {
        self.limit.resize(limit).unwrap();
    }

    /// Free permits and free queue places.
    fn free(&self) -> (u32, u32) {
        let now = self.limit.snapshot();
        (now.limit.saturating_sub(now.in_flight), now.queue - now.queued)
    }
}

/// bh-r4j-03-wait-timeout, bh-fsg-03-max-wait-exceeded.
#[tokio::test(start_paused = true)]
async fn wait_times_out_at_max_wait() {
    let mut callers = Callers::new(1, 10, Some(50));
    assert_eq!((callers.acquire("a"), callers.acquire("b")), (Granted, Pending));
    advance(Duration::from_millis(49)).await;
    assert_eq!(callers.poll("b"), Pending);
    advance(Duration::from_millis(1)).await;
    assert_eq!(callers.poll("b"), Refused);
}

/// bh-r4j-04-grow-while-held.
#[tokio::test(start_paused = true)]
async fn growth_is_immediate_and_shrink_waits_for_releases() {
    let mut callers = Callers::new(1, 0, None);
    assert_eq!((callers.acquire("a"), callers.free().0, callers.acquire("x")), (Granted, 0, Refused));
    callers.resize(2);
    assert_eq!((callers.free().0, callers.acquire("b"), callers.free().0), (1, Granted, 0));
    assert_eq!(callers.acquire("y"), Refused);
    callers.resize(1);
    callers.release("a");
    assert_eq!((callers.free().0, callers.limit.snapshot().limit), (0, 1));
    callers.release("b");
    assert_eq!(callers.free().0, 1);
}

/// bh-r4j-05-grow-wakes-waiter.
#[tokio::test(start_paused = true)]
async fn growth_wakes_waiter() {
    let mut callers = Callers::new(1, 10, Some(500_000));
    assert_eq!((callers.acquire("a"), callers.acquire("b")), (Granted, Pending));
    callers.resize(2);
    assert!(callers.waiting["b"].is_woken());
    assert_eq!(callers.poll("b"), Granted);
    callers.release("b");
    assert_eq!((callers.free().0, callers.limit.snapshot().limit), (1, 2));
}

/// bh-r4j-06-change-wait-does-not-affect-waiters.
#[tokio::test(start_paused = true)]
async fn waiter_keeps_its_timeout_after_reconfigure() {
    let mut callers = Callers::new(1, 10, Some(500_000));
    assert_eq!((callers.acquire("a"), callers.acquire("b")), (Granted, Pending));
    callers.limit.reconfigure(LimitSettings { queue: 0, ..callers.limit.settings() }).unwrap();
    assert_eq!(callers.acquire("c"), Refused);
    advance(Duration::from_secs(1)).await;
    assert_eq!(callers.poll("b"), Pending);
}

/// bh-fsg-01-acquire-after-wait, bh-fsg-04-tiny-wait-with-free-permit.
#[tokio::test(start_paused = true)]
async fn permit_comes_after_a_wait_or_at_once() {
    let mut callers = Callers::new(2, 10, Some(1_000));
    assert_eq!((callers.acquire("a"), callers.acquire("b"), callers.acquire("c")), (Granted, Granted, Pending));
    advance(Duration::from_millis(200)).await;
    callers.release("a");
    assert_eq!(callers.poll("c"), Granted);
    assert_eq!(Callers::new(1, 1, Some(1)).acquire("a"), Granted);
}

/// bh-fsg-02-full-rejects-without-running.
#[tokio::test(start_paused = true)]
async fn refused_work_does_not_run() {
    let mut callers = Callers::new(2, 0, None);
    assert_eq!((callers.acquire("a"), callers.acquire("b")), (Granted, Granted));
    let mut ran = false;
    let work = async {
        ran = true;
        Ok::<_, std::fmt::Error>(())
    };
    assert!(callers.limit.run(work).await.is_err());
    assert_eq!((ran, callers.limit.snapshot().rejected.full), (false, 1));
}

/// bh-fsg-05-try-release-cycle.
#[tokio::test(start_paused = true)]
async fn released_permits_are_reused() {
    let mut callers = Callers::new(2, 0, None);
    assert_eq!(["a", "b", "c"].map(|id| callers.acquire(id)), [Granted, Granted, Refused]);
    callers.release("a");
    assert_eq!(["d", "e"].map(|id| callers.acquire(id)), [Granted, Refused]);
    callers.release("b");
    callers.release("d");
    assert_eq!(["f", "g", "h"].map(|id| callers.acquire(id)), [Granted, Granted, Refused]);
}

/// bh-coc-01-queue-then-reject.
#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order() {
    let mut callers = Callers::new(2, 2, None);
    assert_eq!(callers.free(), (2, 2));
    assert_eq!((callers.acquire("1"), callers.free()), (Granted, (1, 2)));
    assert_eq!((callers.acquire("2"), callers.free()), (Granted, (0, 2)));
    assert_eq!((callers.acquire("3"), callers.free()), (Pending, (0, 1)));
    assert_eq!((callers.acquire("4"), callers.free()), (Pending, (0, 0)));
    assert_eq!(callers.acquire("5"), Refused);
    callers.release("1");
    assert_eq!((callers.poll("4"), callers.poll("3"), callers.free()), (Pending, Granted, (0, 1)));
    callers.release("2");
    assert_eq!((callers.poll("4"), callers.free()), (Granted, (0, 2)));
    callers.release("3");
    callers.release("4");
    assert_eq!(callers.free(), (2, 2));
}

/// bh-coc-02-cancelled-waiter-does-not-starve-queue.
#[tokio::test(start_paused = true)]
async fn cancelled_waiter_does_not_block_the_next() {
    let mut callers = Callers::new(1, 10, None);
    assert_eq!(["1", "2", "3"].map(|id| callers.acquire(id)), [Granted, Pending, Pending]);
    callers.waiting.remove("2");
    callers.release("1");
    assert_eq!(callers.poll("3"), Granted);
    callers.release("3");
    assert_eq!(callers.free(), (1, 10));
}

/// bh-net-02-partitions-exact-shares.
#[test]
fn each_partition_gets_exactly_its_share() {
    let group = Group::with_total("partitions", 10).unwrap();
    let [batch, live] = [("batch", 3), ("live", 7)]
        .map(|(name, limit)| group.limit(name, LimitSettings { limit, ..LimitSettings::default() }).unwrap());
    let held: Vec<_> = [(&batch, 3), (&live, 7)]
        .into_iter()
        .flat_map(|(limit, n)| std::iter::repeat_with(|| limit.try_acquire().unwrap()).take(n))
        .collect();
    assert_eq!((held.len(), group.snapshot().in_flight), (10, 10));
    assert!(batch.try_acquire().is_err() && live.try_acquire().is_err());
}

/// bh-net-05-backlog-full-rejects-immediately.
#[tokio::test(start_paused = true)]
async fn full_queue_refuses_at_once() {
    let mut callers = Callers::new(4, 10, Some(1_000));
    let ids = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"];
    assert!(ids.iter().all(|id| callers.acquire(id) != Refused));
    assert_eq!((callers.free(), callers.acquire("z")), ((0, 0), Refused));
}

/// bh-net-06-limit-increase-and-decrease.
#[tokio::test(start_paused = true)]
async fn limit_grows_and_shrinks() {
    let mut callers = Callers::new(4, 10, Some(1_000));
    assert!(["h0", "h1", "h2", "h3"].iter().all(|id| callers.acquire(id) == Granted));
    callers.resize(5);
    assert_eq!(callers.acquire("h4"), Granted);
    callers.resize(3);
    callers.release("h0");
    callers.release("h4");
    assert_eq!(callers.acquire("w"), Pending);
    advance(Duration::from_secs(1)).await;
    assert_eq!(callers.poll("w"), Refused);
}
