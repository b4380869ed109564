//! The table of situations in the crate's documentation: one test for each row. Those of requests that may be sent once only
//! are in `ordinary_traffic.rs` and `hanging.rs`.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Fate, Script, endpoints, names, probe_asked, settings, two};
use mainstay_core::{BoxError, FailureKind, Outcome, Refusal, RequestCopy};
use mainstay_failover::{Driven, Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, ProbeSettings};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// Endpoints whose requests and probes have separate fates.
fn split(scripts: &[Script; 2], probes: &[Script; 2], settings: FailoverSettings) -> Failover<Script> {
    let endpoint = |(script, probe): (&Script, &Script)| {
        let probe = probe.clone();
        Endpoint::new(script.name(), script.clone()).with_probe(move || probe.clone().probe())
    };
    Failover::with_settings("x", scripts.iter().zip(probes).map(endpoint), settings).unwrap()
}

fn pair() -> [Script; 2] {
    [Script::new("primary"), Script::new("backup")]
}

async fn ask(failover: &Failover<Script>, n: u32) -> u32 {
    let mut answered = 0;
    for _ in 0..n {
        answered += u32::from(failover.clone().oneshot(1).await.is_ok());
        sleep(5 * MS).await;
    }
    answered
}

fn state(failover: &Failover<Script>) -> FailoverState {
    failover.handle().snapshot().state
}

#[tokio::test(start_paused = true)]
async fn hard_down_is_left_after_three_requests_and_a_probe() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::Fail);
    assert_eq!(ask(&failover, 10).await, 10, "no caller sees it");
    assert_eq!((primary.calls(), state(&failover)), (3, FailoverState::OnBackup));
}

#[tokio::test(start_paused = true)]
async fn black_hole_is_suspended_at_once_and_left_when_its_probe_times_out() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::Hang);
    assert_eq!(ask(&failover, 10).await, 10);
    let endpoint = &failover.handle().snapshot().endpoints[0];
    assert_eq!((primary.calls(), endpoint.suspended, endpoint.suspensions), (3, true, 1));
    sleep(SECOND).await;
    assert_eq!(state(&failover), FailoverState::OnBackup);
}

/// Earlier, one pause of 80 ms at 200 requests a second cost a hold of 30 s.
#[tokio::test(start_paused = true)]
async fn pause_suspends_until_the_probe_is_good() {
    let (failover, primary, _) = two(settings());
    ask(&failover, 100).await;
    primary.set(Fate::AnswerAfter(80 * MS));
    assert_eq!(ask(&failover, 4).await, 4);
    primary.set(Fate::Answer);
    sleep(100 * MS).await;
    assert_eq!(ask(&failover, 200).await, 200);
    let snapshot = failover.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.epoch, snapshot.endpoints[0].suspended), (FailoverState::OnPrimary, 0, false));
    assert_eq!(snapshot.endpoints[0].suspensions, 1);
}

/// Earlier, one request to a route that fails everywhere took the idle backup out.
#[tokio::test(start_paused = true)]
async fn route_that_fails_everywhere_moves_no_traffic() {
    let scripts = pair();
    let failover = split(&scripts, &pair(), settings());
    let start = Instant::now();
    while start.elapsed() < 30 * SECOND {
        scripts.iter().for_each(|script| script.set(Fate::Fail));
        let _ = ask(&failover, 1).await;
        scripts.iter().for_each(|script| script.set(Fate::Answer));
        let _ = ask(&failover, 1).await;
    }
    let snapshot = failover.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0));
    assert!(snapshot.failed_everywhere > 0);
    let status = failover.handle().subscribe().get().to_string();
    assert!(status.starts_with("degraded: in the last minute many requests failed at every endpoint"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn shared_database_down_moves_no_traffic_and_serves_at_once_after_repair() {
    let scripts = pair();
    let failover = split(&scripts, &pair(), settings());
    ask(&failover, 100).await;
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    for _ in 0..60 {
        assert_eq!(ask(&failover, 20).await, 0);
        sleep(SECOND).await;
        assert_eq!(state(&failover), FailoverState::OnPrimary);
    }
    scripts.iter().for_each(|script| script.set(Fate::Answer));
    assert_eq!(ask(&failover, 10).await, 10);
}

#[tokio::test(start_paused = true)]
async fn gray_failure_is_left_by_the_rate_although_its_probes_are_good() {
    let (scripts, probes) = (pair(), pair());
    let failover = split(&scripts, &probes, settings());
    let mut answered = 0;
    for n in 0..100 {
        scripts[0].set(if n % 3 == 0 { Fate::Fail } else { Fate::Answer });
        answered += ask(&failover, 1).await;
    }
    assert!(answered >= 98, "the budget hides most failures: {answered}");
    let snapshot = failover.handle().snapshot();
    assert_eq!(snapshot.state, FailoverState::OnBackup);
    assert!(snapshot.reason.ends_with(" calls failed"), "{}", snapshot.reason);
}

/// Earlier, a health check that failed for an hour never removed an endpoint whose requests succeeded.
#[tokio::test(start_paused = true)]
async fn failing_health_check_is_left_within_ten_seconds_under_good_requests() {
    let (scripts, probes) = (pair(), pair());
    let failover = split(&scripts, &probes, settings());
    ask(&failover, 2_000).await;
    probes[0].set(Fate::Fail);
    let start = Instant::now();
    while state(&failover) == FailoverState::OnPrimary {
        ask(&failover, 10).await;
    }
    assert!(start.elapsed() <= 10 * SECOND, "{:?}", start.elapsed());
    assert_eq!(failover.handle().snapshot().reason, "primary: 2 probes failed in a row: unhealthy: scripted");
}

#[tokio::test(start_paused = true)]
async fn primary_that_is_slow_for_all_stays() {
    let (failover, primary, backup) =
        two(FailoverSettings { second_attempt: Some(mainstay_failover::SecondAttempt::default()), ..settings() });
    primary.set(Fate::AnswerAfter(300 * MS));
    backup.set(Fate::AnswerAfter(15 * MS));
    assert_eq!(ask(&failover, 200).await, 200);
    assert_eq!((state(&failover), failover.handle().snapshot().epoch), (FailoverState::OnPrimary, 0));
}

#[tokio::test(start_paused = true)]
async fn flapping_endpoint_is_held_for_longer_each_time() {
    let (failover, primary, _) = two(settings());
    for second in 0..120 {
        primary.set(if second % 4 < 2 { Fate::Fail } else { Fate::Answer });
        assert_eq!(ask(&failover, 20).await, 20);
        sleep(900 * MS).await;
    }
    let snapshot = failover.handle().snapshot();
    assert!(snapshot.epoch <= 7 && snapshot.endpoints[0].departures >= 2, "{snapshot}");
}

#[tokio::test(start_paused = true)]
async fn without_probes_a_proven_streak_leaves() {
    let scripts = pair();
    let plain = scripts.iter().map(|script| Endpoint::new(script.name(), script.clone()));
    let failover = Failover::with_settings("x", plain, settings()).unwrap();
    scripts[0].set(Fate::Fail);
    assert_eq!(ask(&failover, 4).await, 4);
    assert_eq!((scripts[0].calls(), state(&failover)), (3, FailoverState::OnBackup));
    // Requests never take out the last usable endpoint.
    scripts[1].set(Fate::Fail);
    ask(&failover, 2_100).await;
    assert_eq!(state(&failover), FailoverState::OnBackup);
    let status = failover.handle().subscribe().get().to_string();
    let cause = "requests fail, and no other endpoint is usable; primary: 3 failures in a row";
    assert_eq!(status, format!("unhealthy: backup: {cause}"));
    scripts[1].set(Fate::Answer);
    ask(&failover, 6_200).await;
    assert!(failover.handle().subscribe().get().to_string().starts_with("degraded"));
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_refuses_while_it_is_down_and_makes_trial_calls() {
    let script = Script::new("only");
    let failover = Failover::with_settings("x", [Endpoint::new("only", script.clone())], settings()).unwrap();
    script.set(Fate::Fail);
    ask(&failover, 3).await;
    let error: BoxError = failover.clone().oneshot(1).await.unwrap_err();
    assert!(error.rejected().is_some(), "{error}");
    assert_eq!(script.calls(), 3);
    sleep(SECOND).await;
    script.set(Fate::Answer);
    assert_eq!(ask(&failover, 10).await, 10, "trial calls, and then all");
    assert_eq!(state(&failover), FailoverState::OnPrimary);
}

/// Earlier, one route that failed 60 % of the requests made the breaker refuse nearly all of them.
#[tokio::test(start_paused = true)]
async fn one_endpoint_with_a_good_probe_is_not_left_by_its_requests() {
    let script = Script::new("only");
    let endpoint = Endpoint::new("only", script.clone()).with_probe(|| async { true });
    let failover = Failover::with_settings("x", [endpoint], settings()).unwrap();
    for n in 0..4_000 {
        script.set(if n % 10 < 6 { Fate::Fail } else { Fate::Answer });
        ask(&failover, 1).await;
    }
    assert_eq!((script.calls(), state(&failover)), (4_000, FailoverState::OnPrimary));
    let status = || failover.handle().subscribe().get().to_string();
    assert!(status().starts_with("degraded: only: requests fail although its probe is good, "), "{}", status());
    script.set(Fate::Answer);
    ask(&failover, 7_000).await;
    assert_eq!(status(), "healthy");
}

#[tokio::test(start_paused = true)]
async fn of_three_endpoints_two_broken_ones_are_left_after_one_request() {
    let scripts = [Script::new("a"), Script::new("b"), Script::new("c")];
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    scripts[0].set(Fate::Fail);
    scripts[1].set(Fate::Fail);
    assert_eq!(ask(&failover, 10).await, 9);
    assert_eq!(failover.handle().snapshot().active.unwrap(), "c");
}

/// A policy whose requests may be sent twice only if they were not sent, and whose failures are refused connections for
/// odd requests.
#[derive(Clone, Copy)]
struct Posts(FailureKind);

impl<T, E> mainstay_core::Classify<T, E> for Posts {
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        result.map_or_else(|_| Outcome::failure(self.0), |_| Outcome::Success)
    }
}

impl mainstay_core::Replay<u32> for Posts {
    type Kept = u32;

    fn replay(&self, request: &u32) -> Option<RequestCopy<u32>> {
        Some(RequestCopy::only_if_unsent(*request))
    }
}

impl<T> mainstay_core::Contextual<T> for Posts {}
impl<T> mainstay_core::Follow<T> for Posts {}

/// Each of the first requests met both broken endpoints, and failed.
#[tokio::test(start_paused = true)]
async fn request_that_two_endpoints_refuse_to_take_goes_on_to_the_third() {
    let scripts = ["a", "b", "c", "d"].map(Script::new);
    let [a, b, c, d] = &scripts;
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    let posts = failover.with_policy(Posts(FailureKind::Connect));
    [a, b, c].iter().for_each(|script| script.set(Fate::Fail));
    for _ in 0..3 {
        assert_eq!(posts.clone().oneshot(1).await.unwrap(), "d");
    }
    assert_eq!(scripts.each_ref().map(Script::calls), [3; 4]);
    let snapshot = posts.handle().snapshot();
    assert_eq!(snapshot.active.unwrap(), "d", "each has refused three requests in a row");
    assert_eq!((snapshot.second_attempts.on_error, snapshot.second_attempts.won), (9, 3));
    // The caller gets the first answer when all fail.
    d.set(Fate::Fail);
    assert_eq!(posts.clone().oneshot(1).await.unwrap_err().to_string(), "d");
}

#[tokio::test(start_paused = true)]
async fn work_that_two_endpoints_refuse_to_take_goes_on_to_the_third() {
    let handle = FailoverHandle::with_settings("x", names(&["a", "b", "c"]), settings()).unwrap();
    for _ in 0..3 {
        let answer = handle.run_with(Posts(FailureKind::Connect), |active| async move {
            if active.name() == "c" { Ok("c") } else { Err::<_, BoxError>("refused".into()) }
        });
        assert_eq!(answer.await.unwrap(), "c");
    }
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.active.unwrap(), "c", "each has refused three requests in a row");
    assert_eq!((snapshot.second_attempts.on_error, snapshot.second_attempts.won), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn second_attempt_that_was_sent_is_the_last() {
    let scripts = ["a", "b", "c"].map(Script::new);
    let [a, b, c] = &scripts;
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    [a, b].iter().for_each(|script| script.set(Fate::Fail));
    assert_eq!(failover.clone().oneshot(1).await.unwrap_err().to_string(), "a");
    assert_eq!([a, b, c].map(Script::calls), [1, 1, 0]);
    // A refusal by a layer below goes nowhere else, unless that is asked for.
    b.set(Fate::Refuse);
    assert_eq!(failover.oneshot(1).await.unwrap_err().to_string(), "a");
    assert_eq!([a, b, c].map(Script::calls), [2, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn request_without_an_answer_goes_on_to_the_third_endpoint_if_the_second_refuses_it() {
    let scripts = ["a", "b", "c"].map(Script::new);
    let [a, b, _] = &scripts;
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    let gets = failover.with_policy(mainstay_core::classify_fn(|answer: Result<&&str, &BoxError>| match answer {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::failure(FailureKind::Connect),
    }));
    a.set(Fate::Hang);
    b.set(Fate::Fail);
    assert_eq!(gets.clone().oneshot(1).await.unwrap(), "c");
    assert_eq!(a.live(), 0);
}

/// A POST may be executed once only, but one whose connection was refused was not sent.
#[tokio::test(start_paused = true)]
async fn post_goes_to_the_backup_only_if_it_was_not_sent() {
    for (kind, answered) in [(FailureKind::Connect, 3), (FailureKind::Network, 0)] {
        let (failover, primary, backup) = two(settings());
        let posts = failover.with_policy(Posts(kind));
        primary.set(Fate::Fail);
        let mut good = 0;
        for _ in 0..3 {
            good += u32::from(posts.clone().oneshot(1).await.is_ok());
        }
        assert_eq!((good, backup.calls()), (answered, answered as usize), "{kind:?}");
        probe_asked().await;
        assert_eq!(posts.handle().snapshot().state, FailoverState::OnBackup, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_budget_the_streak_still_asks_for_a_probe() {
    let mut settings = settings();
    settings.second_attempt.as_mut().unwrap().budget =
        Some(mainstay_core::BudgetSettings { allowance: 0.0, ..mainstay_core::BudgetSettings::default() });
    let (failover, primary, _) = two(settings);
    primary.set(Fate::Fail);
    assert_eq!(ask(&failover, 10).await, 7);
    assert_eq!(state(&failover), FailoverState::OnBackup);
}

#[tokio::test(start_paused = true)]
async fn dry_run_logs_and_does_not_act() {
    let (failover, primary, backup) = two(FailoverSettings { dry_run: true, ..settings() });
    primary.set(Fate::Fail);
    assert_eq!(ask(&failover, 10).await, 0);
    assert_eq!((primary.calls(), backup.calls()), (10, 0));
    let reason = failover.handle().snapshot().reason;
    assert!(reason.starts_with("dry run, nothing changes, no failure is compared: "), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn evidence_of_a_forced_endpoint_is_in_force_on_release() {
    let (failover, primary, _) = two(settings());
    failover.handle().force("primary", "eve").unwrap();
    primary.set(Fate::Fail);
    assert_eq!(ask(&failover, 10).await, 0);
    failover.handle().automatic("eve");
    assert_eq!(ask(&failover, 1).await, 1);
    assert_eq!(state(&failover), FailoverState::OnBackup);
}

/// Earlier, every caller was sent to an endpoint that should get one trial call at a time.
#[tokio::test(start_paused = true)]
async fn active_grants_one_trial_call_at_a_time() {
    let names = names(&["a", "b"]);
    let handle = FailoverHandle::with_settings("x", names, settings()).unwrap();
    handle.take_out("a", "test").unwrap();
    sleep(31 * SECOND).await;
    let _ = handle.snapshot();
    let trial = handle.active().unwrap();
    assert_eq!((trial.name().as_str(), handle.active().unwrap().name().as_str()), ("a", "b"));
    drop(trial);
    let trial = handle.active().unwrap();
    handle.record_success(&trial);
    assert_eq!(handle.active().unwrap().name(), "a");
}

/// Earlier, a request with a total timeout of 5 s was still waiting after 600 s.
#[tokio::test(start_paused = true)]
async fn readiness_that_never_comes_leaves_the_wait_to_the_call() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::NotReady);
    backup.set(Fate::NotReady);
    let mut failover = failover;
    let ready = std::future::poll_fn(|cx| tower::Service::<u32>::poll_ready(&mut failover, cx));
    assert!(tokio::time::timeout(SECOND, ready).await.is_ok(), "the timeout outside can bound the call");
}

/// Earlier, probes ended silently with the runtime that had made the failover.
#[test]
fn probes_start_again_in_another_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = runtime();
    let (failover, primary, _) = first.block_on(async { two(settings()) });
    first.block_on(async { sleep(10 * SECOND).await });
    drop(first);
    let probes = primary.probes();
    assert!(!failover.handle().snapshot().probing);
    runtime().block_on(async {
        failover.clone().oneshot(1).await.unwrap();
        assert!(failover.handle().snapshot().probing);
        sleep(10 * SECOND).await;
    });
    assert!(primary.probes() > probes);
}

#[tokio::test(start_paused = true)]
async fn probes_that_only_a_check_makes_are_not_asked_for() {
    let probe = ProbeSettings { driven: Driven::Manual, ..ProbeSettings::default() };
    let (failover, primary, _) = two(FailoverSettings { probe, ..settings() });
    primary.set(Fate::Fail);
    assert_eq!(ask(&failover, 4).await, 4);
    assert_eq!((primary.probes(), state(&failover)), (0, FailoverState::OnBackup));
}

/// A failover of two endpoints whose primary an operator has taken out, and whose backup fails requests with this kind.
async fn last_usable(kind: FailureKind, probe: Fate) -> Failover<Script, Posts> {
    let (scripts, probes) = (pair(), pair());
    let failover = split(&scripts, &probes, settings());
    failover.handle().take_out("primary", "eve").unwrap();
    scripts[1].set(Fate::Fail);
    // With good probes its hold would be waived as soon as the backup is left.
    probes[0].set(Fate::Fail);
    probes[1].set(probe);
    failover.with_policy(Posts(kind))
}

/// By what requests say, the last usable endpoint is never left. Its status says that they fail, until they succeed.
#[tokio::test(start_paused = true)]
async fn last_usable_endpoint_is_left_by_refused_connections_and_probes_only() {
    let failing = last_usable(FailureKind::Network, Fate::Answer).await;
    for _ in 0..500 {
        let _ = failing.clone().oneshot(1).await;
        sleep(30 * MS).await;
    }
    assert_eq!(failing.handle().snapshot().state, FailoverState::OnBackup);
    let status = failing.handle().subscribe().get().to_string();
    let fails = "requests fail (connection broken) although its probe is good, and no other endpoint is usable";
    assert_eq!(status, format!("degraded: backup: {fails}; primary: eve"));

    let refusing = last_usable(FailureKind::Connect, Fate::Answer).await;
    for _ in 0..3 {
        assert_eq!(refusing.handle().snapshot().state, FailoverState::OnBackup);
        let _ = refusing.clone().oneshot(1).await;
    }
    assert_eq!(refusing.handle().snapshot().state, FailoverState::AllDown, "after 3 requests");

    let unhealthy = last_usable(FailureKind::Network, Fate::Fail).await;
    let start = Instant::now();
    unhealthy.handle().watch().wait_for(|state| *state == FailoverState::AllDown).await.unwrap();
    assert!(start.elapsed() <= 70 * SECOND, "without requests, an idle backup is probed once a minute");
}

/// Holds are waived while all are down: requests go to the endpoint with the newest good news, and the first endpoint, in
/// order, whose last 3 probes were good is in use.
#[tokio::test(start_paused = true)]
async fn all_down_follows_the_newest_evidence_and_ends_after_three_good_probes() {
    let (failover, primary, backup) = two(settings());
    primary.set(Fate::Fail);
    backup.set(Fate::Fail);
    failover.handle().check_now().await;
    sleep(20 * SECOND).await;
    assert_eq!((state(&failover), ask(&failover, 3).await), (FailoverState::AllDown, 0));
    assert_eq!(failover.handle().snapshot().active.unwrap(), "primary", "the policy, without good news");

    backup.set(Fate::Answer);
    let repaired = Instant::now();
    while failover.handle().snapshot().active.unwrap() == "primary" {
        sleep(MS).await;
    }
    assert!(repaired.elapsed() <= 1_500 * MS, "one good probe: {:?}", repaired.elapsed());
    assert_eq!((state(&failover), ask(&failover, 3).await), (FailoverState::AllDown, 3));
    failover.handle().watch().wait_for(|state| *state == FailoverState::OnBackup).await.unwrap();
    assert!(repaired.elapsed() <= 4 * SECOND, "three good probes: {:?}", repaired.elapsed());
    let held = failover.handle().snapshot().endpoints[0].hold_left;
    assert!(held.is_some(), "the primary keeps its hold");
}

/// A good probe is good news only until a request fails after it.
#[tokio::test(start_paused = true)]
async fn while_all_are_down_a_failed_request_outdates_a_good_probe() {
    let (scripts, probes) = (pair(), pair());
    let failover = split(&scripts, &probes, settings());
    scripts.iter().chain(&probes).for_each(|script| script.set(Fate::Fail));
    failover.handle().check_now().await;
    let active = || failover.handle().snapshot().active.unwrap();
    assert_eq!((state(&failover), active().as_str()), (FailoverState::AllDown, "primary"));
    probes[1].set(Fate::Answer);
    while active() == "primary" {
        sleep(MS).await;
    }
    // A request that fails at both endpoints says nothing of either.
    assert_eq!(ask(&failover, 1).await, 0);
    assert_eq!((scripts[0].calls(), scripts[1].calls(), active().as_str()), (1, 1, "backup"));
    let _ = failover.clone().with_policy(Posts(FailureKind::Network)).oneshot(1).await;
    assert_eq!((scripts[0].calls(), scripts[1].calls(), active().as_str()), (1, 2, "primary"));
}

/// All down, by probes: what is sent shows which endpoint answers. Earlier, every request went to a dead primary.
#[tokio::test(start_paused = true)]
async fn while_all_are_down_requests_find_the_endpoint_that_answers() {
    for kind in [FailureKind::Connect, FailureKind::Network] {
        let (scripts, probes) = (pair(), pair());
        let failover = split(&scripts, &probes, settings());
        probes.iter().for_each(|probe| probe.set(Fate::Fail));
        failover.handle().check_now().await;
        scripts[0].set(Fate::Fail);
        let posts = failover.clone().with_policy(Posts(kind));
        let mut answered = 0;
        for _ in 0..100 {
            answered += u32::from(posts.clone().oneshot(1).await.is_ok());
            // The failed probes between do not outdate the answers.
            sleep(100 * MS).await;
        }
        // One that was sent is lost; it shows that its endpoint fails.
        assert_eq!(answered, if kind == FailureKind::Connect { 100 } else { 99 }, "{kind:?}");
        assert_eq!((scripts[0].calls(), state(&failover)), (1, FailoverState::AllDown));
    }
}

/// The same with second attempts, and with a dead primary whose readiness fails or never comes.
#[tokio::test(start_paused = true)]
async fn while_all_are_down_second_attempts_and_readiness_go_on_to_the_next_endpoint() {
    for fate in [Fate::Fail, Fate::Hang, Fate::ReadinessFails, Fate::NotReady] {
        let (scripts, probes) = (pair(), pair());
        let failover = split(&scripts, &probes, settings());
        probes.iter().for_each(|probe| probe.set(Fate::Fail));
        failover.handle().check_now().await;
        scripts[0].set(fate);
        assert_eq!(ask(&failover, 100).await, 100, "{fate:?}");
        assert_eq!(state(&failover), FailoverState::AllDown);
    }
}

/// Requests that were not sent have cost their endpoint nothing, so no budget is needed to send them elsewhere.
#[tokio::test(start_paused = true)]
async fn request_that_was_not_sent_needs_no_budget() {
    let mut settings = settings();
    (settings.consecutive_failures, settings.failure_rate) = (Some(1_000), None);
    settings.second_attempt.as_mut().unwrap().budget =
        Some(mainstay_core::BudgetSettings { allowance: 0.0, ..mainstay_core::BudgetSettings::default() });
    let scripts = pair();
    let failover = split(&scripts, &pair(), settings);
    scripts[0].set(Fate::Fail);
    let posts = failover.with_policy(Posts(FailureKind::Connect));
    for _ in 0..100 {
        assert_eq!(posts.clone().oneshot(1).await.unwrap(), "backup");
    }
    let snapshot = posts.handle().snapshot();
    assert_eq!((snapshot.second_attempts.won, snapshot.second_attempts.refused), (100, 0));
}

/// Snapshots show what is in force when they are read, whether or not anything happens.
#[tokio::test(start_paused = true)]
async fn departures_in_a_snapshot_decay() {
    let (failover, primary, _) = two(settings());
    let handle = failover.handle();
    for _ in 0..2 {
        common::down(&failover, &primary).await;
        primary.set(Fate::Answer);
        handle.watch().wait_for(|state| *state == FailoverState::OnPrimary).await.unwrap();
    }
    let departures = || handle.snapshot().endpoints[0].departures;
    assert_eq!(departures(), 2);
    let decay = settings().hold.decay;
    sleep(decay).await;
    assert_eq!(departures(), 1);
    sleep(decay).await;
    assert_eq!(departures(), 0);
}
