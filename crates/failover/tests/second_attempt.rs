//! A second attempt at the next endpoint within one request.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{future::Future, time::Duration};

use common::{Fate, Script, endpoints, probe_asked, settings, two};
use mainstay_core::{
    AttemptQuota, BoxError, Reason, Refusal, RequestContext,
    test::{Probe, ProbePolicy, Reply, Request},
};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverState, SecondAttempt};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::ServiceExt;

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn hung_primary_is_answered_by_the_backup_after_the_delay() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Hang);
    backup.set(Fate::AnswerAfter(15 * MS));
    let start = Instant::now();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(start.elapsed(), 65 * MS);
    assert_eq!(primary.live(), 0);
    let snapshot = failover.handle().snapshot();
    assert_eq!(snapshot.endpoints[0].breaker.consecutive_failures, 1, "the missing answer counts as one failure");
    assert_eq!((snapshot.second_attempts.on_delay, snapshot.second_attempts.won), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn slow_primary_answers_first_and_records_no_failure() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::AnswerAfter(80 * MS));
    backup.set(Fate::AnswerAfter(500 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    assert_eq!(backup.live(), 0);
    assert_eq!(failover.handle().snapshot().endpoints[0].breaker.consecutive_failures, 0);
}

/// In a peer without state every request waits for the primary's timeout. Here, at 200 requests a second, a black hole
/// is left within a few requests, and no request waits for its timeout.
#[tokio::test(start_paused = true)]
async fn black_hole_is_left_within_a_few_requests() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::AnswerAfter(10 * MS));
    backup.set(Fate::AnswerAfter(15 * MS));
    let mut requests = JoinSet::new();
    for n in 0..1000 {
        if n == 200 {
            primary.set(Fate::Hang);
        }
        let one = failover.clone().oneshot(1);
        requests.spawn(async move {
            let start = Instant::now();
            (one.await, start.elapsed())
        });
        sleep(5 * MS).await;
    }
    let answers = requests.join_all().await;
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap();
    assert!(answers.iter().all(|(answer, _)| answer.is_ok()));
    assert!(slowest < 200 * MS, "{slowest:?}");
    assert!((200..225).contains(&primary.calls()), "{}", primary.calls());
}

/// The budget pays for fewer second attempts than there are requests; the others move on when the primary is left.
#[tokio::test(start_paused = true)]
async fn requests_without_budget_move_on_when_the_primary_is_suspended() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Hang);
    backup.set(Fate::AnswerAfter(15 * MS));
    let start = Instant::now();
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        requests.spawn(failover.clone().oneshot(1));
    }
    assert!(requests.join_all().await.into_iter().all(|answer| answer.unwrap() == "backup"));
    assert!(start.elapsed() < 200 * MS, "{:?}", start.elapsed());
    assert_eq!((primary.calls(), primary.live(), backup.calls()), (100, 0, 100));
    // They moved on when the primary was suspended; the probe that was asked for then had a second.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(failover.handle().transitions().len(), 1);
}

/// In a peer a failing backup that answers first turns good requests into errors.
#[tokio::test(start_paused = true)]
async fn failing_backup_does_not_replace_the_answer_of_a_slow_primary() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::AnswerAfter(80 * MS));
    backup.set(Fate::Fail);
    for _ in 0..3 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_gets_the_first_answer_when_both_attempts_fail() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Fail);
    backup.set(Fate::FailAfter(10 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap_err().to_string(), "primary");
    // The first attempt is the slower one here.
    failover.handle().reset("test");
    primary.set(Fate::FailAfter(200 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap_err().to_string(), "primary");
}

#[tokio::test(start_paused = true)]
async fn refusal_below_starts_a_second_attempt_only_with_on_rejected() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Refuse);
    for _ in 0..10 {
        let error: BoxError = failover.clone().oneshot(1).await.unwrap_err();
        assert_eq!(error.rejected().unwrap().reason(), Reason::BulkheadFull);
    }
    assert_eq!(backup.calls(), 0);
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary, "a refusal does not leave an endpoint");

    let on_rejected = SecondAttempt { on_rejected: true, ..SecondAttempt::default() };
    let (failover, primary, _) = two(FailoverSettings { second_attempt: Some(on_rejected), ..settings() });
    primary.set(Fate::Refuse);
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
}

#[tokio::test(start_paused = true)]
async fn without_second_attempts_callers_see_the_failures() {
    let (failover, primary, backup) = two(FailoverSettings { second_attempt: None, ..settings() });
    primary.set(Fate::Fail);
    for _ in 0..3 {
        assert!(failover.clone().oneshot(1).await.is_err());
    }
    assert_eq!(backup.calls(), 0);
    probe_asked().await;
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup", "the probe says that the primary is down");
}

/// Without a budget, a slow primary would double the load.
#[tokio::test(start_paused = true)]
async fn budget_bounds_second_attempts_and_its_reserve_hides_the_first_failures() {
    let mut settings = settings();
    settings.consecutive_failures = Some(1000);
    (settings.failure_rate, settings.unproven_failure_rate) = (None, None);
    settings.second_attempt.as_mut().unwrap().budget = Some(mainstay_core::BudgetSettings {
        allowance: 4.0,
        allowance_refill: Some(Duration::from_secs(1)),
        ..mainstay_core::BudgetSettings::default()
    });
    // Without probes, because the first failed round would leave the primary, and the budget would not be used.
    let (primary, backup) = (Script::new("primary"), Script::new("backup"));
    let both = [Endpoint::new("primary", primary.clone()), Endpoint::new("backup", backup)];
    let failover = Failover::with_settings("x", both, settings).unwrap();
    primary.set(Fate::Fail);
    let mut hidden = 0;
    for _ in 0..50 {
        hidden += usize::from(failover.clone().oneshot(1).await.is_ok());
    }
    assert_eq!(hidden, 4);
    sleep(Duration::from_secs(2)).await;
    for _ in 0..50 {
        hidden += usize::from(failover.clone().oneshot(1).await.is_ok());
    }
    assert_eq!(hidden, 6, "the reserve refills by one a second");
    assert_eq!(failover.handle().snapshot().second_attempts.refused, 94);
}

#[tokio::test(start_paused = true)]
async fn second_attempt_takes_attempt_quota_and_respects_deadline_and_do_not_retry() {
    let scripted = |context: RequestContext| async move {
        let (primary, backup) = (Probe::new(), Probe::new());
        primary.always(Reply::Fail);
        let both = [Endpoint::new("primary", primary), Endpoint::new("backup", backup.clone())];
        let failover = Failover::with_settings("x", both, settings()).unwrap().with_policy(ProbePolicy);
        let answer = failover.oneshot(Request::new(1).with_context(context)).await;
        (answer.is_ok(), backup.calls())
    };
    let attempt_quota = AttemptQuota::new(1);
    assert_eq!(scripted(RequestContext::new().with_attempt_quota(attempt_quota.clone())).await, (true, 1));
    assert_eq!(attempt_quota.left(), 0);
    assert_eq!(scripted(RequestContext::new().with_attempt_quota(attempt_quota)).await, (false, 0));
    assert_eq!(scripted(RequestContext::new().with_deadline(Instant::now())).await, (false, 0));
    let mut context = RequestContext::new();
    context.do_not_retry = true;
    assert_eq!(scripted(context).await, (false, 0));
}

#[tokio::test(start_paused = true)]
async fn thousand_concurrent_failures_make_one_transition() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::FailAfter(10 * MS));
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        requests.spawn(failover.clone().oneshot(1));
    }
    assert_eq!(requests.join_all().await.len(), 1000);
    let transitions = failover.handle().transitions();
    assert_eq!(transitions.len(), 1, "{transitions:?}");
    assert_eq!(primary.live(), 0);
}

#[test]
fn failures_on_four_threads_make_one_transition() {
    for _ in 0..50 {
        let handle =
            mainstay_failover::FailoverHandle::with_settings("x", common::names(&["a", "b"]), settings()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        if let Some(active) = handle.active().filter(|active| active.name() == "a") {
                            handle.record_failure(&active);
                        }
                    }
                });
            }
        });
        assert_eq!(handle.transitions().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn request_dropped_after_abandoned_after_counts_as_a_failure() {
    let script = Script::new("only");
    let failover = Failover::with_settings("x", endpoints(std::slice::from_ref(&script)), settings()).unwrap();
    script.set(Fate::Hang);
    for (waited, failures) in [(500 * MS, 0), (1500 * MS, 1)] {
        assert!(tokio::time::timeout(waited, failover.clone().oneshot(1)).await.is_err());
        assert_eq!(failover.handle().snapshot().endpoints[0].breaker.consecutive_failures, failures);
    }
    assert_eq!(script.live(), 0);
}

/// Defect: attempts without an answer were in none of the counts.
#[tokio::test(start_paused = true)]
async fn each_attempt_is_in_one_count() {
    let (failover, primary, backup) = two(settings());
    let counts = || {
        let endpoints = failover.handle().snapshot().endpoints;
        endpoints
            .into_iter()
            .map(|it| (it.breaker.successes, it.breaker.failures, it.breaker.dropped))
            .collect::<Vec<_>>()
    };
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    assert_eq!(counts(), [(1, 0, 0), (0, 0, 0)]);
    // The caller gives up before there is a second attempt, and while both attempts run.
    primary.set(Fate::Hang);
    backup.set(Fate::Hang);
    assert!(tokio::time::timeout(10 * MS, failover.clone().oneshot(1)).await.is_err());
    assert_eq!(counts(), [(1, 0, 1), (0, 0, 0)]);
    let second = tokio::time::timeout(999 * MS, failover.clone().oneshot(1)).await;
    assert!(second.is_err());
    let calls = (primary.calls() as u64, backup.calls() as u64);
    let total = |(successes, failures, dropped): (u64, u64, u64)| successes + failures + dropped;
    let counted = counts();
    assert_eq!((total(counted[0]), total(counted[1])), calls, "{counted:?}");
    // The first attempt wins against the second, which is dropped.
    primary.set(Fate::AnswerAfter(1100 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    let (calls, counted) = ((primary.calls() as u64, backup.calls() as u64), counts());
    assert_eq!((total(counted[0]), total(counted[1])), calls, "{counted:?}");
    // The second attempt wins.
    backup.set(Fate::Answer);
    primary.set(Fate::Hang);
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    let (calls, counted) = ((primary.calls() as u64, backup.calls() as u64), counts());
    assert_eq!((total(counted[0]), total(counted[1])), calls, "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn request_in_flight_at_a_switch_finishes_where_it_was_sent() {
    let (failover, primary, _) = two(FailoverSettings { second_attempt: None, ..settings() });
    primary.set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(failover.clone().oneshot(1));
    sleep(MS).await;
    failover.handle().take_out("primary", "test").unwrap();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(slow.await.unwrap().unwrap(), "primary");
    assert_eq!(failover.handle().snapshot().endpoints[0].breaker.late, 1, "its outcome does not count");
}

#[tokio::test(start_paused = true)]
async fn second_attempt_from_a_backup_goes_to_the_next_backup() {
    let scripts = [Script::new("a"), Script::new("b"), Script::new("c")];
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    scripts[2].set(Fate::Fail);
    down_to_b(&failover, &scripts).await;
    scripts[2].set(Fate::Answer);
    scripts[1].set(Fate::Fail);
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "c");
}

async fn down_to_b(failover: &Failover<Script>, scripts: &[Script; 3]) {
    scripts[0].set(Fate::Fail);
    for _ in 0..3 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "b");
    }
}

/// Routers need services that are `Send` and `Sync`; tasks need futures that are `Send`.
#[test]
fn service_is_send_and_sync_and_its_future_small() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn is_send(_: &(impl Future + Send)) {}
    let (failover, ..) = two(settings());
    is_send_and_sync(&failover);
    let future = failover.oneshot(1);
    is_send(&future);
    assert!(size_of_val(&future) < 1024);
}

#[tokio::test(start_paused = true)]
async fn run_fails_over_and_records_abandoned_work() {
    let handle = mainstay_failover::FailoverHandle::with_settings("x", common::names(&["a", "b"]), settings()).unwrap();
    let work = |at: mainstay_failover::Active| async move { if at.name() == "a" { Err("a") } else { Ok("b") } };
    for _ in 0..5 {
        assert_eq!(handle.run(work).await.unwrap(), "b");
    }
    let snapshot = handle.snapshot();
    assert_eq!((snapshot.state, snapshot.second_attempts.won), (FailoverState::OnBackup, 3));
    let failing = |at: mainstay_failover::Active| async move { Err::<(), _>(at.name().to_string()) };
    handle.reset("test");
    assert_eq!(handle.run(failing).await.unwrap_err().to_string(), "a", "the error of the first attempt");
    // Work that is dropped after a second counts as a failure, as with the service.
    handle.reset("test");
    let hung = |_| std::future::pending::<Result<(), BoxError>>();
    assert!(tokio::time::timeout(1500 * MS, handle.run(hung)).await.is_err());
    assert_eq!(handle.snapshot().endpoints[0].breaker.consecutive_failures, 1);
}

/// With a fixed delay of 50 ms, a primary that answers in 300 ms would be left.
#[tokio::test(start_paused = true)]
async fn delay_follows_the_latency_of_a_slow_primary() {
    let (failover, primary, backup) =
        two(FailoverSettings { second_attempt: Some(SecondAttempt::default()), ..settings() });
    primary.set(Fate::AnswerAfter(300 * MS));
    for _ in 0..200 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    }
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary);
    assert!(backup.calls() <= 20, "{} second attempts", backup.calls());
    // The delay falls to its minimum for a fast primary.
    primary.set(Fate::AnswerAfter(5 * MS));
    for _ in 0..10_000 {
        failover.clone().oneshot(1).await.unwrap();
    }
    assert_eq!(failover.handle().snapshot().endpoints[0].second_attempt_delay, Some(50 * MS));
    primary.set(Fate::Hang);
    let start = Instant::now();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(start.elapsed(), 50 * MS);
}
