//! What operators read during an outage: status, summary and changes of route.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Fate, settings, two};
use futures_util::FutureExt;
use mainstay_core::{FailureKind, Level, Outcome};
use mainstay_failover::{
    AllDown, Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, Probe, ProbeFuture, ProbeOutcome,
    ReturnMode,
};
use tokio::time::sleep;
use tower::ServiceExt;

const SECOND: Duration = Duration::from_secs(1);

fn changes(handle: &FailoverHandle) -> Vec<String> {
    handle.transitions().iter().map(ToString::to_string).collect()
}

fn status(handle: &FailoverHandle) -> String {
    handle.subscribe().get().to_string()
}

/// Earlier, the status said "primary: no endpoint is better", and the summary promised a return after a waived hold.
#[tokio::test(start_paused = true)]
async fn all_down_names_each_cause_and_no_waived_hold() {
    let (failover, primary, backup) = two(settings());
    let handle = failover.handle();
    [&primary, &backup].iter().for_each(|script| script.set(Fate::Fail));
    handle.check_now().await;
    let cause = "the first probe: unhealthy: scripted";
    let all_down = format!("unhealthy: all endpoints are down: primary: {cause}; backup: {cause}");
    assert_eq!(status(handle), all_down);
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.state, FailoverState::AllDown);
    for endpoint in &snapshot.endpoints {
        assert_eq!((endpoint.hold_left, endpoint.missing.as_str()), (None, "probes 0 of 3"));
    }
    assert!(snapshot.earliest_return.unwrap() < 10 * SECOND, "{snapshot}");

    primary.set(Fate::Answer);
    handle.watch().wait_for(|state| *state == FailoverState::OnPrimary).await.unwrap();
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.reason, "primary: 3 probes succeeded in a row and the hold is waived");
    assert_eq!(status(handle), format!("degraded: backup: no cover for primary: {cause}"));
}

/// Earlier, the log said "backup -> backup", and no change told the hold.
#[tokio::test(start_paused = true)]
async fn changes_on_recovery_do_not_contradict_each_other() {
    let (failover, primary, backup) = two(settings());
    let handle = failover.handle();
    common::down(&failover, &primary).await;
    backup.set(Fate::Fail);
    handle.watch().wait_for(|state| *state == FailoverState::AllDown).await.unwrap();
    backup.set(Fate::Answer);
    handle.watch().wait_for(|state| *state == FailoverState::OnBackup).await.unwrap();
    let changes = changes(handle);
    let cause = "primary: 3 failures in a row, and the probe failed: unhealthy: scripted";
    assert!(changes[0].starts_with(&format!("primary -> backup (on backup, hold 30s): {cause}")), "{changes:#?}");
    assert!(changes[1].ends_with("(all down): backup: the first probe: unhealthy: scripted"), "{changes:#?}");
    let last = changes.last().unwrap();
    let recovered = "backup (all down -> on backup): backup: 3 probes succeeded in a row and the hold is waived";
    assert_eq!(last, recovered, "{changes:#?}");
    // The reason why the primary is out stays.
    assert_eq!(status(handle), format!("degraded: {cause}"));
    let summary = handle.snapshot().to_string();
    assert!(summary.contains("; primary was left: 3 failures in a row, and the probe failed: "), "{summary}");
}

/// Earlier, the change told the failures of the backup only.
#[tokio::test(start_paused = true)]
async fn change_to_the_primary_tells_why_it_is_usable() {
    let (failover, primary, backup) = two(settings());
    let handle = failover.handle();
    common::down(&failover, &primary).await;
    primary.set(Fate::Answer);
    sleep(10 * SECOND).await;
    handle.take_out("backup", "maintenance").unwrap();
    backup.set(Fate::Fail);
    let changes = changes(handle);
    let last = changes.last().unwrap();
    assert!(last.starts_with("backup -> primary (on primary): backup: maintenance; primary: "), "{changes:#?}");
    assert!(last.ends_with(" probes succeeded in a row and the hold is waived"), "{changes:#?}");
}

#[tokio::test(start_paused = true)]
async fn manual_return_names_the_order_that_it_waits_for() {
    let settings = FailoverSettings { return_mode: ReturnMode::Manual, ..settings() };
    let (failover, primary, _) = two(settings);
    let handle = failover.handle();
    common::down(&failover, &primary).await;
    primary.set(Fate::Answer);
    sleep(60 * SECOND).await;
    let waits = "is usable; traffic returns when return_now() is called";
    assert_eq!(status(handle), format!("degraded: primary: {waits}"));
    let summary = handle.snapshot().to_string();
    assert!(summary.ends_with("; primary is usable: traffic returns when return_now() is called"), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn forced_to_an_endpoint_that_is_not_usable_is_unhealthy() {
    let (failover, ..) = two(settings());
    let handle = failover.handle();
    handle.force("primary", "eve").unwrap();
    assert_eq!(status(handle), "degraded: forced by eve");
    handle.take_out("primary", "maintenance").unwrap();
    assert_eq!(status(handle), "unhealthy: forced by eve; primary: maintenance");
}

/// Earlier, the status still said "no other endpoint is usable" when one was.
#[tokio::test(start_paused = true)]
async fn status_follows_the_return_of_the_other_endpoint() {
    let plain = ["primary", "backup"].map(|name| Endpoint::new(name, common::Script::new(name)));
    let failover = Failover::with_settings("x", plain, settings()).unwrap();
    let handle = failover.handle();
    handle.take_out("backup", "maintenance").unwrap();
    for _ in 0..3 {
        let active = handle.active().unwrap();
        handle.record_failure(&active);
    }
    let no_cover = "no cover for primary: maintenance";
    assert_eq!(status(handle), format!("degraded: backup: {no_cover}"), "what requests say has not lasted");
    sleep(10 * SECOND).await;
    handle.record_failure(&handle.active().unwrap());
    let condemned = "primary: requests fail, and no other endpoint is usable";
    assert_eq!(status(handle), format!("unhealthy: {condemned}; backup: {no_cover}"));
    handle.reset("eve");
    assert_eq!(status(handle), "healthy");
}

/// Earlier, a single endpoint was said to be back "in 7s at the earliest", and tried 0.45 s later.
#[tokio::test(start_paused = true)]
async fn single_endpoint_promises_no_time() {
    let only = [Endpoint::new("only", common::Script::new("only"))];
    let settings = FailoverSettings { all_down: Some(AllDown::Refuse), ..settings() };
    let failover = Failover::with_settings("x", only, settings).unwrap();
    let handle = failover.handle();
    handle.take_out("only", "maintenance").unwrap();
    let summary = handle.snapshot().to_string();
    assert!(!summary.contains("at the earliest") && summary.contains("trial requests 0 of 3"), "{summary}");
    assert_eq!(status(handle), "unhealthy: all endpoints are down: only: maintenance");
}

/// Earlier, the summary did not say it, and without requests it never ended.
#[tokio::test(start_paused = true)]
async fn failures_at_every_endpoint_are_in_the_summary_and_end_without_requests() {
    let scripts = [common::Script::new("primary"), common::Script::new("backup")];
    let endpoint = |script: &common::Script| Endpoint::new(script.name(), script.clone()).with_probe(|| async { true });
    let failover = Failover::with_settings("x", scripts.iter().map(endpoint), settings()).unwrap();
    let handle = failover.handle();
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    for _ in 0..40 {
        let _ = failover.clone().oneshot(1).await;
        sleep(SECOND).await;
    }
    let status = || handle.subscribe().get().to_string();
    let many = "degraded: in the last minute many requests failed at every endpoint that they were sent to: the cause is one \
                route or client, or something that all endpoints share";
    assert_eq!(status(), many);
    let snapshot = handle.snapshot();
    let said = snapshot.to_string().contains(" requests failed at every endpoint");
    assert!(said && snapshot.fails_everywhere, "{snapshot}");
    // The next probes end it.
    sleep(70 * SECOND).await;
    assert_eq!(status(), "healthy");
    let summary = handle.snapshot().to_string();
    assert!(!summary.contains("at every endpoint"), "{summary}");
}

/// Defect: one client's errors changed the level 45 times in 72 s.
#[tokio::test(start_paused = true)]
async fn bursts_of_requests_that_fail_everywhere_do_not_change_the_level() {
    let scripts = [common::Script::new("primary"), common::Script::new("backup")];
    let endpoint = |script: &common::Script| Endpoint::new(script.name(), script.clone()).with_probe(|| async { true });
    let failover = Failover::with_settings("x", scripts.iter().map(endpoint), settings()).unwrap();
    let mut level = failover.handle().subscribe();
    let mut changes = Vec::new();
    for tick in 0..7_200 {
        // 40 of 160 requests.
        let fate = if tick % 160 < 40 { Fate::Fail } else { Fate::Answer };
        scripts.iter().for_each(|script| script.set(fate));
        let _ = failover.clone().oneshot(1).await;
        sleep(SECOND / 100).await;
        changes.extend(level.changed().now_or_never().flatten());
    }
    assert!(failover.handle().snapshot().failed_everywhere > 100);
    assert!(changes.iter().all(|change| change.level == Level::Healthy), "{changes:#?}");
}

/// Defect: a backup that was down was in no status and no log.
#[tokio::test(start_paused = true)]
async fn backup_that_is_down_is_named_and_degrades_the_status() {
    let scripts = ["primary", "backup", "backup-2"].map(common::Script::new);
    let failover = Failover::with_settings("x", common::endpoints(&scripts), settings()).unwrap();
    let handle = failover.handle();
    handle.check_now().await;
    assert_eq!(status(handle), "healthy");
    scripts[2].set(Fate::Fail);
    sleep(70 * SECOND).await;
    let no_cover = "backup-2: no cover for primary: 2 probes failed in a row: unhealthy: scripted";
    assert_eq!(status(handle), format!("degraded: {no_cover}"));
    let summary = handle.snapshot().to_string();
    assert!(summary.ends_with(&format!("; {no_cover}")), "{summary}");
    assert_eq!(handle.snapshot().state, FailoverState::OnPrimary);
    scripts[2].set(Fate::Answer);
    sleep(60 * SECOND).await;
    assert_eq!(status(handle), "healthy");
}

/// Defect: the log and the status said how many calls had failed, and not why.
#[tokio::test(start_paused = true)]
async fn reason_names_the_kind_of_most_failures() {
    let handle = FailoverHandle::with_settings("x", common::names(&["a", "b"]), settings()).unwrap();
    for kind in [FailureKind::Timeout, FailureKind::Unavailable, FailureKind::Timeout] {
        let active = handle.active().unwrap();
        handle.record(&active, Outcome::failure(kind));
    }
    let reason = "a: 3 failures in a row (timeout: 2 of the last 3 failures)";
    assert_eq!(changes(&handle), [format!("a -> b (on backup, hold 30s): {reason}")]);
}

/// A probe of an address that fails.
struct Addressed;

impl Probe for Addressed {
    fn probe(&self) -> ProbeFuture {
        Box::pin(async { ProbeOutcome::unhealthy("status 404") })
    }

    fn address(&self) -> Option<String> {
        Some("http://a/healthz".to_owned())
    }
}

/// Defect: no text about a probe said what it had asked.
#[tokio::test(start_paused = true)]
async fn reason_of_a_failed_probe_has_its_address() {
    let endpoints = [Endpoint::named("a").with_probe(Addressed), Endpoint::named("b")];
    let handle = FailoverHandle::with_settings("x", endpoints, settings()).unwrap();
    handle.check_now().await;
    assert_eq!(status(&handle), "degraded: a: the first probe: unhealthy: status 404 (http://a/healthz)");
    assert_eq!(handle.snapshot().endpoints[0].probe_url.as_deref(), Some("http://a/healthz"));
}

/// Earlier, the summary of a failover with 524 stuck requests said nothing of them.
#[tokio::test(start_paused = true)]
async fn requests_past_the_delay_are_counted_until_they_end() {
    let (failover, primary, backup) = two(settings());
    let handle = failover.handle();
    backup.set(Fate::Fail);
    primary.set(Fate::Hang);
    let requests: Vec<_> = (0..20).map(|_| tokio::spawn(failover.clone().oneshot(1))).collect();
    sleep(Duration::from_millis(60)).await;
    let snapshot = handle.snapshot();
    let overdue = snapshot.endpoints[0].overdue;
    let said = format!("; requests that wait for primary past the delay: {overdue}");
    assert!(overdue > 0 && snapshot.to_string().contains(&said), "{snapshot}");
    requests.iter().for_each(|request| request.abort());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(handle.snapshot().endpoints[0].overdue, 0);
}
