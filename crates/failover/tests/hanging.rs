//! Endpoints that accept requests and never answer them, while their probes are good.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Fate, Script, settings};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverState, SecondAttempt};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::ServiceExt;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A failover whose probes are always good.
struct Harness {
    failover: Failover<Script>,
    primary: Script,
    backup: Script,
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
        Self { failover, primary, backup }
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
        assert_eq!(reason, "primary: 3 failures in a row after a good probe, and as many before it");
    }
}

/// One pause that the probe waits out makes one streak.
#[tokio::test(start_paused = true)]
async fn pauses_with_answers_between_make_no_departure() {
    let (primary, backup) = (Script::new("primary"), Script::new("backup"));
    let failover = Failover::with_settings("x", common::endpoints(&[primary.clone(), backup]), settings()).unwrap();
    let harness = Harness { failover, primary, backup: Script::new("unused") };
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
