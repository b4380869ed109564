//! Endpoints that accept requests and never answer them, while their probes are good.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use common::{Fate, Script, settings};
use mainstay_core::{Classify, Contextual, FailureKind, Follow, Outcome, Replay, RequestCopy};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverState, SecondAttempt};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::{ServiceExt, service_fn};
use tracing::{Event, Level, Metadata, Subscriber, span};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Counts the events at info and above.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicUsize>);

impl Lines {
    fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, SeqCst);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A failover whose probes are always good.
struct Harness {
    failover: Failover<Script>,
    primary: Script,
}

/// What a load has shown.
#[derive(Debug, Default)]
struct Seen {
    /// When the primary was left.
    left: Option<Duration>,
    /// The most calls that waited at the primary.
    waiting: usize,
    /// The number of callers that waited for longer than 300 ms.
    slow: usize,
    failed: usize,
}

impl Harness {
    fn new() -> Self {
        let (primary, backup) = (Script::new("primary"), Script::new("backup"));
        let endpoint = |script: &Script| Endpoint::new(script.name(), script.clone()).with_probe(|| async { true });
        let second = Some(SecondAttempt { max_delay: 5 * SECOND, ..SecondAttempt::default() });
        let settings = FailoverSettings { second_attempt: second, ..settings() };
        let failover = Failover::with_settings("x", [endpoint(&primary), endpoint(&backup)], settings).unwrap();
        primary.set(Fate::AnswerAfter(5 * MS));
        backup.set(Fate::AnswerAfter(5 * MS));
        Self { failover, primary }
    }

    /// Sends `n` requests, one each `pace`, and waits for their answers for 10 s at most.
    async fn load(&self, n: u32, pace: Duration) -> Seen {
        let (start, mut seen, mut requests) = (Instant::now(), Seen::default(), JoinSet::new());
        for _ in 0..n {
            let one = tokio::time::timeout(10 * SECOND, self.failover.clone().oneshot(1));
            requests.spawn(async move {
                let start = Instant::now();
                (one.await.is_ok_and(|answer| answer.is_ok()), start.elapsed())
            });
            sleep(pace).await;
            seen.waiting = seen.waiting.max(self.primary.live());
            if self.state() == FailoverState::OnBackup {
                seen.left.get_or_insert(start.elapsed());
            }
        }
        for (answered, took) in requests.join_all().await {
            seen.failed += usize::from(!answered);
            seen.slow += usize::from(took > 300 * MS);
        }
        seen
    }

    fn state(&self) -> FailoverState {
        self.failover.handle().snapshot().state
    }
}

/// Earlier, the budget of second attempts was used up before the rate was reached: the primary was left after 22 s at 200
/// requests a second, and a bulkhead refused 3,205 of 4,000.
#[tokio::test(start_paused = true)]
async fn two_proven_streaks_around_a_good_probe_leave() {
    for pace in [20, 10, 5] {
        let harness = Harness::new();
        harness.load(100, 5 * MS).await;
        harness.primary.set(Fate::Hang);
        let seen = harness.load(1_000, pace * MS).await;
        assert!(seen.left.unwrap() <= 2 * SECOND, "{pace} ms: {seen:?}");
        assert!(seen.waiting < 100 && seen.slow <= 5 && seen.failed == 0, "{pace} ms: {seen:?}");
        let reason = harness.failover.handle().snapshot().reason;
        assert_eq!(reason, "primary: 3 failures in a row after a good probe, and as many before it (timeout)");
    }
}

/// One pause that the probe waits out makes one streak.
#[tokio::test(start_paused = true)]
async fn pauses_with_answers_between_make_no_departure() {
    let (primary, backup) = (Script::new("primary"), Script::new("backup"));
    let failover = Failover::with_settings("x", common::endpoints(&[primary.clone(), backup]), settings()).unwrap();
    let harness = Harness { failover, primary };
    for _ in 0..10 {
        harness.load(200, 5 * MS).await;
        // What is sent during the pause is answered at its end.
        for left in (1..=20).rev() {
            harness.primary.set(Fate::AnswerAfter(left * 5 * MS));
            let one = harness.failover.clone().oneshot(1);
            tokio::spawn(one);
            sleep(5 * MS).await;
        }
        harness.primary.set(Fate::Answer);
    }
    let snapshot = harness.failover.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0), "{snapshot}");
    assert_eq!(snapshot.endpoints[0].suspensions, 10);
}

/// Requests that may be sent once only.
#[derive(Clone, Copy)]
struct Posts;

impl<T, E> Classify<T, E> for Posts {
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        result.map_or(Outcome::failure(FailureKind::Network), |_| Outcome::Success)
    }
}

impl Replay<u32> for Posts {
    type Kept = u32;

    fn replay(&self, request: &u32) -> Option<RequestCopy<u32>> {
        Some(RequestCopy::only_if_unsent(*request))
    }
}

impl<T> Contextual<T> for Posts {}
impl<T> Follow<T> for Posts {}

/// Earlier, no failure was counted before the first timeouts. The silence of twenty requests asks for a comparison, and that of
/// ten more decides it.
#[tokio::test(start_paused = true)]
async fn silence_counts_in_the_unproven_rate_before_the_timeouts() {
    for (warm, least, most) in [(100, 2_000, 3_000), (0, 4_000, 5_000)] {
        let harness = Harness::new();
        harness.load(warm, 5 * MS).await;
        harness.primary.set(Fate::Hang);
        let posts = harness.failover.clone().with_policy(Posts);
        let (start, mut requests) = (Instant::now(), JoinSet::new());
        while harness.state() == FailoverState::OnPrimary && start.elapsed() < 10 * SECOND {
            requests.spawn(posts.clone().oneshot(1));
            sleep(20 * MS).await;
        }
        assert!((least * MS..most * MS).contains(&start.elapsed()), "{warm}: {:?}", start.elapsed());
        let reason = harness.failover.handle().snapshot().reason;
        assert!(reason.starts_with("primary: 10 of 10 calls failed, and 0 of "), "{reason}");
    }
}

/// Defect: the status of an endpoint that answered nothing was healthy while its probe was good.
#[tokio::test(start_paused = true)]
async fn endpoint_that_answers_no_request_is_overdue_in_status_and_log() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let harness = Harness::new();
    // Without a comparison, so that it stays.
    harness.failover.handle().force("primary", "test").unwrap();
    let status = || harness.failover.handle().subscribe().get().to_string();
    let (forced, _) = (status(), lines.take());
    for round in 0..3 {
        harness.primary.set(Fate::Hang);
        let mut requests = JoinSet::new();
        for waiting in 1..=5 {
            requests.spawn(harness.failover.clone().oneshot(1));
            sleep(3 * SECOND).await;
            let expected = match waiting {
                1 | 2 => forced.clone(),
                _ => format!("{forced}; primary: requests wait past the delay, and none is answered"),
            };
            assert_eq!(status(), expected, "{waiting} wait");
        }
        match round {
            // Their callers go away.
            0 => drop(requests),
            // One is answered.
            _ => {
                harness.primary.set(Fate::Answer);
                harness.failover.clone().oneshot(1).await.unwrap();
            }
        }
        sleep(MS).await;
        assert_eq!((status(), lines.take()), (forced.clone(), 2), "one line for its begin and one for its end");
    }
    // At most one each ten seconds.
    harness.primary.set(Fate::Hang);
    let mut requests = JoinSet::new();
    (0..3).for_each(|_| drop(requests.spawn(harness.failover.clone().oneshot(1))));
    sleep(3 * SECOND).await;
    assert_eq!((status().ends_with("none is answered"), lines.take()), (true, 0));
}

/// A request without a context counts its silence, or its failure after that, but not both.
#[tokio::test(start_paused = true)]
async fn failure_after_a_long_silence_counts_once() {
    let harness = Harness::new();
    harness.load(100, 5 * MS).await;
    let posts = harness.failover.clone().with_policy(Posts);
    let mut requests = JoinSet::new();
    // Every third request fails after 3 s.
    for n in 0..400 {
        harness.primary.set(if n % 3 == 0 { Fate::FailAfter(3 * SECOND) } else { Fate::AnswerAfter(5 * MS) });
        requests.spawn(posts.clone().oneshot(1));
        sleep(50 * MS).await;
    }
    let snapshot = harness.failover.handle().snapshot();
    assert_eq!(snapshot.epoch, 0, "{snapshot}");
}

/// Earlier, callers who gave up at both endpoints took the primary out, and then the backup.
#[tokio::test(start_paused = true)]
async fn callers_who_give_up_at_both_endpoints_move_no_traffic() {
    let serve = |n: u32| async move {
        sleep(if n.is_multiple_of(3) { 5 * MS } else { 2 * SECOND }).await;
        Ok::<_, mainstay_core::BoxError>(n)
    };
    let endpoint = |name| Endpoint::new(name, service_fn(serve)).with_probe(|| async { true });
    let second = Some(SecondAttempt { max_delay: 5 * SECOND, ..SecondAttempt::default() });
    let settings = FailoverSettings { second_attempt: second, ..settings() };
    let failover = Failover::with_settings("x", [endpoint("primary"), endpoint("backup")], settings).unwrap();
    for n in 0..100 {
        failover.clone().oneshot(3 * n).await.unwrap();
    }
    for n in 0..900 {
        tokio::spawn(tokio::time::timeout(1_100 * MS, failover.clone().oneshot(n)));
        sleep(33 * MS).await;
    }
    let snapshot = failover.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0), "{snapshot}");
    assert!(snapshot.failed_everywhere > 0);
}

/// The function form counts as the service does.
#[tokio::test(start_paused = true)]
async fn work_that_is_dropped_at_the_second_endpoint_has_failed_everywhere() {
    let names = common::names(&["primary", "backup"]);
    let handle = mainstay_failover::FailoverHandle::with_settings("x", names, settings()).unwrap();
    for _ in 0..40 {
        let work = |active: mainstay_failover::Active| async move {
            if active.name() == "primary" { Err::<(), _>("down") } else { std::future::pending().await }
        };
        let _ = tokio::time::timeout(1_100 * MS, handle.run(work)).await;
    }
    let snapshot = handle.snapshot();
    assert_eq!((snapshot.epoch, snapshot.endpoints[0].consecutive_failures), (0, 0), "{snapshot}");
    assert!(snapshot.failed_everywhere > 0);
}
