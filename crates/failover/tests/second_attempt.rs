//! A second attempt at the next endpoint within one request.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{future::Future, time::Duration};

use common::{Fate, Script, endpoints, settings, two};
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
async fn a_silence_is_answered_by_the_next_endpoint_and_the_loser_is_dropped() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Hang);
    backup.set(Fate::AnswerAfter(15 * MS));
    let start = Instant::now();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(start.elapsed(), 65 * MS);
    assert_eq!(primary.live(), 0);
    let snapshot = failover.handle().snapshot();
    assert_eq!(snapshot.endpoints[0].breaker.consecutive_failures, 1, "an answered silence is one failure");
    assert_eq!((snapshot.second_attempts.on_delay, snapshot.second_attempts.won), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_primary_that_answers_first_wins_and_is_not_blamed() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::AnswerAfter(80 * MS));
    backup.set(Fate::AnswerAfter(500 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    assert_eq!(backup.live(), 0);
    assert_eq!(failover.handle().snapshot().endpoints[0].breaker.consecutive_failures, 0);
}

/// A peer: fallback without memory, every request pays the primary's timeout. Black hole, 200 requests a second: the
/// primary is left within a few requests, and none waits for its timeout.
#[tokio::test(start_paused = true)]
async fn a_black_hole_is_left_within_a_few_requests() {
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

/// More requests at once than second attempts are paid for: the rest goes on as soon as the silent primary is left.
#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_dead_primary_whatever_the_budget() {
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
    assert_eq!(failover.handle().transitions().len(), 1);
}

/// A peer: a hedge that turns good requests into errors because a failing backup answered first.
#[tokio::test(start_paused = true)]
async fn a_failing_backup_never_beats_a_slow_primary() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::AnswerAfter(80 * MS));
    backup.set(Fate::Fail);
    for _ in 0..3 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    }
}

#[tokio::test(start_paused = true)]
async fn when_both_fail_the_caller_gets_the_first_ones_answer() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Fail);
    backup.set(Fate::FailAfter(10 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap_err().to_string(), "primary");
    // Also when the first one was the slower of the two.
    failover.handle().reset("test");
    primary.set(Fate::FailAfter(200 * MS));
    assert_eq!(failover.clone().oneshot(1).await.unwrap_err().to_string(), "primary");
}

#[tokio::test(start_paused = true)]
async fn our_own_refusal_does_not_spill_unless_asked_for() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Refuse);
    for _ in 0..10 {
        let error: BoxError = failover.clone().oneshot(1).await.unwrap_err();
        assert_eq!(error.rejected().unwrap().reason(), Reason::BulkheadFull);
    }
    assert_eq!(backup.calls(), 0);
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary, "and never leaves an endpoint");

    let asked = SecondAttempt { on_rejected: true, ..SecondAttempt::default() };
    let (failover, primary, _) = two(FailoverSettings { second_attempt: Some(asked), ..settings() });
    primary.set(Fate::Refuse);
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
}

#[tokio::test(start_paused = true)]
async fn switched_off_there_is_none() {
    let (failover, primary, backup) = two(FailoverSettings { second_attempt: None, ..settings() });
    primary.set(Fate::Fail);
    for _ in 0..3 {
        assert!(failover.clone().oneshot(1).await.is_err());
    }
    assert_eq!(backup.calls(), 0);
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup", "the switch comes all the same");
}

/// Unbudgeted, a slow primary would double the load for ever.
#[tokio::test(start_paused = true)]
async fn the_budget_bounds_them_and_a_quiet_clients_first_failures_are_hidden() {
    let mut settings = settings();
    settings.consecutive_failures = Some(1000);
    settings.failure_rate = None;
    settings.second_attempt.as_mut().unwrap().budget = Some(mainstay_core::BudgetSettings {
        allowance: 4.0,
        allowance_refill: Some(Duration::from_secs(1)),
        ..mainstay_core::BudgetSettings::default()
    });
    // Without probes: the first bad one would take the primary out, and the budget would not be asked.
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
    assert_eq!(hidden, 6, "one a second comes back");
    assert_eq!(failover.handle().snapshot().second_attempts.refused, 94);
}

#[tokio::test(start_paused = true)]
async fn it_takes_one_of_the_sends_left_and_respects_deadline_and_do_not_retry() {
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
async fn a_thousand_requests_at_once_make_one_transition_and_get_one_answer_each() {
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

/// The same on two threads, where the race is real.
#[test]
fn threads_that_fail_together_make_one_transition() {
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
async fn a_request_that_its_caller_gave_up_on_after_a_second_counts() {
    let script = Script::new("only");
    let failover = Failover::with_settings("x", endpoints(std::slice::from_ref(&script)), settings()).unwrap();
    script.set(Fate::Hang);
    for (patience, failures) in [(500 * MS, 0), (1500 * MS, 1)] {
        assert!(tokio::time::timeout(patience, failover.clone().oneshot(1)).await.is_err());
        assert_eq!(failover.handle().snapshot().endpoints[0].breaker.consecutive_failures, failures);
    }
    assert_eq!(script.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn in_flight_at_a_switch_finishes_where_it_was_sent() {
    let (failover, primary, _) = two(FailoverSettings { second_attempt: None, ..settings() });
    primary.set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(failover.clone().oneshot(1));
    sleep(MS).await;
    failover.handle().take_out("primary", "test").unwrap();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "backup");
    assert_eq!(slow.await.unwrap().unwrap(), "primary");
    assert_eq!(failover.handle().snapshot().endpoints[0].breaker.late, 1, "its outcome counts neither way");
}

#[tokio::test(start_paused = true)]
async fn from_a_backup_the_next_attempt_goes_further_down_the_list() {
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

/// Routers want services that are `Send` and `Sync`, tasks want futures that are `Send`; and neither may be large.
#[test]
fn it_can_be_shared_and_sent() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn is_send(_: &(impl Future + Send)) {}
    let (failover, ..) = two(settings());
    is_send_and_sync(&failover);
    let future = failover.oneshot(1);
    is_send(&future);
    assert!(size_of_val(&future) < 1024);
}

#[tokio::test(start_paused = true)]
async fn plain_functions_fail_over_too() {
    let handle = mainstay_failover::FailoverHandle::with_settings("x", common::names(&["a", "b"]), settings()).unwrap();
    let work = |at: mainstay_failover::Active| async move { if at.name() == "a" { Err("a") } else { Ok("b") } };
    for _ in 0..5 {
        assert_eq!(handle.run(work).await.unwrap(), "b");
    }
    let snapshot = handle.snapshot();
    assert_eq!((snapshot.state, snapshot.second_attempts.won), (FailoverState::OnBackup, 3));
    let failing = |at: mainstay_failover::Active| async move { Err::<(), _>(at.name().to_string()) };
    handle.reset("test");
    assert_eq!(handle.run(failing).await.unwrap_err().to_string(), "a", "the first one's error");
    // Given up on after a second: a failure, as with the service.
    handle.reset("test");
    let hung = |_| std::future::pending::<Result<(), BoxError>>();
    assert!(tokio::time::timeout(1500 * MS, handle.run(hung)).await.is_err());
    assert_eq!(handle.snapshot().endpoints[0].breaker.consecutive_failures, 1);
}

/// A fixed silence of 50 ms would leave any primary that is slower than its backup and answers in 300 ms.
#[tokio::test(start_paused = true)]
async fn what_is_slow_is_not_taken_for_dead() {
    let (failover, primary, backup) =
        two(FailoverSettings { second_attempt: Some(SecondAttempt::default()), ..settings() });
    primary.set(Fate::AnswerAfter(300 * MS));
    for _ in 0..200 {
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), "primary");
    }
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary);
    assert!(backup.calls() <= 20, "{} second attempts", backup.calls());
    // A quick one's silence is noticed soon.
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
