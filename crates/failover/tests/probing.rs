//! Probing: when rounds start, and what their outcomes change.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use common::{Fate, Script, down, endpoints, settings, two};
use mainstay_failover::{
    Driven, Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, Initial, ProbeOutcome, ProbeSettings,
};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

const SECOND: Duration = Duration::from_secs(1);

/// Returns an endpoint whose probe records the times of its calls.
fn timed(times: &Arc<Mutex<Vec<Instant>>>, good: bool) -> Endpoint<()> {
    let times = times.clone();
    Endpoint::named("timed").with_probe(move || {
        times.lock().unwrap().push(Instant::now());
        async move { good }
    })
}

fn gaps(times: &Mutex<Vec<Instant>>) -> Vec<f64> {
    let times = times.lock().unwrap();
    times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

fn once() -> ProbeSettings {
    ProbeSettings { max_retries: 0, ..ProbeSettings::default() }
}

#[tokio::test(start_paused = true)]
async fn endpoint_in_use_is_probed_every_five_seconds_plus_or_minus_ten_percent() {
    let times = Arc::default();
    let _handle = FailoverHandle::new("x", [timed(&times, true)]).unwrap();
    sleep(500 * SECOND).await;
    let gaps = gaps(&times);
    assert!(gaps.iter().all(|gap| (4.499..5.501).contains(gap)), "{gaps:?}");
    let spread = gaps.iter().fold(0.0, |most: f64, gap| most.max((gap - 5.0).abs()));
    assert!(spread > 0.2, "plus or minus 10 %: {spread}");
}

#[tokio::test(start_paused = true)]
async fn idle_backup_is_probed_once_a_minute_until_it_is_in_use() {
    let (failover, primary, backup) = two(settings());
    sleep(600 * SECOND).await;
    assert!((9..=12).contains(&backup.probes()), "{}", backup.probes());
    let before = backup.probes();
    down(&failover, &primary).await;
    sleep(20 * SECOND).await;
    assert!((3..=5).contains(&(backup.probes() - before)), "{}", backup.probes() - before);
}

#[tokio::test(start_paused = true)]
async fn failing_endpoint_is_probed_every_second_until_it_is_left() {
    let times = Arc::default();
    let settings = FailoverSettings { probe: once(), ..settings() };
    let up = FailoverHandle::with_settings("x", [Endpoint::named("a"), timed(&times, false)], settings).unwrap();
    // The first round would decide alone.
    up.check_now().await;
    up.reset("test");
    times.lock().unwrap().clear();
    sleep(70 * SECOND).await;
    let gaps = gaps(&times);
    // Two failed rounds leave it.
    assert!(gaps.iter().take(1).all(|gap| (0.899..1.101).contains(gap)), "{gaps:?}");
    assert!(gaps[1..6].iter().all(|gap| (4.499..5.501).contains(gap)), "held, every five seconds: {gaps:?}");
    assert!(gaps[9..].iter().all(|gap| (0.899..1.101).contains(gap)), "after the hold, every second: {gaps:?}");
}

/// A peer sends all probes in one instant. 200 instances started together: no 100 ms with more than 10 % of the first probes.
#[tokio::test(start_paused = true)]
async fn first_probes_are_spread_over_the_interval() {
    let times = Arc::default();
    let start = Instant::now();
    let instances: Vec<_> = (0..200).map(|_| FailoverHandle::new("x", [timed(&times, true)]).unwrap()).collect();
    sleep(6 * SECOND).await;
    drop(instances);
    let mut slots = [0; 60];
    for at in times.lock().unwrap().iter().take(200) {
        slots[((*at - start).as_millis() / 100) as usize] += 1;
    }
    assert!(slots.iter().all(|count| *count <= 20), "{slots:?}");
    assert!(slots[..10].iter().sum::<usize>() > 10, "they begin at once: {slots:?}");
}

#[tokio::test(start_paused = true)]
async fn long_round_skips_ticks_and_rounds_never_overlap() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let slow = Endpoint::named("slow").with_probe(|| async {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        sleep(Duration::from_millis(900)).await;
        RUNNING.fetch_sub(1, SeqCst);
        false
    });
    let probe = ProbeSettings { max_retries: 9, backoff_base: Duration::ZERO, ..ProbeSettings::default() };
    let handle = FailoverHandle::with_settings("x", [slow], FailoverSettings { probe, ..settings() }).unwrap();
    // A round takes 9 s; checks start in between.
    for _ in 0..20 {
        sleep(4 * SECOND).await;
        handle.check_now().await;
    }
    assert_eq!(MOST.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_checks_share_a_round() {
    let script = Script::new("a");
    script.set(Fate::AnswerAfter(SECOND / 10));
    let probe = ProbeSettings { driven: Driven::Manual, ..ProbeSettings::default() };
    let settings = FailoverSettings { probe, ..settings() };
    let failover = Failover::with_settings("x", endpoints(std::slice::from_ref(&script)), settings).unwrap();
    let checks = (0..10).map(|_| failover.handle().check_now());
    let reports = futures_util::future::join_all(checks).await;
    assert!(reports.iter().all(|report| report.endpoints[0].healthy));
    assert_eq!(script.probes(), 2, "checks that arrive while a round runs share the next");
}

#[tokio::test(start_paused = true)]
async fn check_now_reports_attempts_and_elapsed_time() {
    let (failover, primary, _) = two(settings());
    primary.set(Fate::Hang);
    let report = failover.handle().check_now().await;
    let [primary, backup] = &report.endpoints[..] else { panic!() };
    assert_eq!((primary.healthy, primary.report.attempts), (false, 3));
    assert_eq!(primary.report.elapsed, Duration::from_millis(4500));
    assert_eq!((backup.healthy, backup.report.attempts), (true, 1));
    assert_eq!(report.active.unwrap(), "backup", "the first round decided");

    let blind = FailoverHandle::new("x", [Endpoint::named("a")]).unwrap().check_now().await;
    let a = &blind.endpoints[0];
    assert_eq!((a.healthy, a.report.attempts, a.report.elapsed), (false, 0, Duration::ZERO));
    assert_eq!(blind.active.unwrap(), "a", "the endpoint without a probe stays in use");
}

#[tokio::test(start_paused = true)]
async fn first_round_decides_whether_an_endpoint_is_usable() {
    let scripts = [Script::new("a"), Script::new("b")];
    scripts[0].set(Fate::Fail);
    let handle = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap().handle().clone();
    assert_eq!(handle.active().unwrap().name(), "a", "up before the first round");
    handle.check_now().await;
    assert_eq!(handle.active().unwrap().name(), "b");
    assert!(handle.snapshot().reason.starts_with("a: the first probe: unhealthy"), "{}", handle.snapshot().reason);

    let scripts = [Script::new("a"), Script::new("b")];
    scripts[0].set(Fate::Fail);
    let initially_down = FailoverSettings { initial: Initial::Down, ..settings() };
    let handle = Failover::with_settings("x", endpoints(&scripts), initially_down).unwrap().handle().clone();
    assert_eq!(handle.snapshot().state, FailoverState::AllDown, "down before the first round");
    handle.check_now().await;
    assert_eq!(handle.active().unwrap().name(), "b", "without a hold");
    assert_eq!(handle.snapshot().state, FailoverState::OnBackup);
}

#[tokio::test(start_paused = true)]
async fn failed_probes_leave_an_endpoint_without_traffic() {
    let (failover, primary, _) = two(FailoverSettings { probe: once(), ..settings() });
    sleep(10 * SECOND).await;
    primary.set(Fate::Fail);
    sleep(10 * SECOND).await;
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnBackup);
    assert_eq!(primary.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn overloaded_probe_restarts_the_recovery() {
    let answers = Arc::new(Mutex::new(ProbeOutcome::Healthy));
    let scripted = answers.clone();
    let probed = Endpoint::named("a").with_probe(move || {
        let outcome = scripted.lock().unwrap().clone();
        async move { outcome }
    });
    let probe = ProbeSettings { driven: Driven::Manual, ..once() };
    let both = [probed, Endpoint::named("b")];
    let handle = FailoverHandle::with_settings("x", both, FailoverSettings { probe, ..settings() }).unwrap();
    handle.take_out("a", "test").unwrap();
    let mut successes = Vec::new();
    for outcome in [ProbeOutcome::Healthy, ProbeOutcome::Healthy, ProbeOutcome::Overloaded, ProbeOutcome::Healthy] {
        *answers.lock().unwrap() = outcome;
        sleep(SECOND).await;
        handle.check_now().await;
        successes.push(handle.snapshot().endpoints[0].breaker.recovery.unwrap().have);
    }
    assert_eq!(successes, [1, 2, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn probe_outcome_out_leaves_the_endpoint_at_once() {
    let out = Endpoint::named("a").with_probe(|| async { ProbeOutcome::Out { reason: "moving".into() } });
    let handle = FailoverHandle::new("x", [out, Endpoint::named("b")]).unwrap();
    handle.check_now().await;
    assert_eq!(handle.active().unwrap().name(), "b");
    assert_eq!(handle.snapshot().reason, "a: asks to be taken out: moving");
}

/// A round that started before a switch is no evidence about the time after it.
#[tokio::test(start_paused = true)]
async fn late_round_is_dropped() {
    let (failover, primary, _) =
        two(FailoverSettings { probe: ProbeSettings { driven: Driven::Manual, ..once() }, ..settings() });
    primary.set(Fate::AnswerAfter(500 * Duration::from_millis(1)));
    let handle = failover.handle().clone();
    let asking = handle.clone();
    let check = tokio::spawn(async move { asking.check_now().await });
    sleep(SECOND / 10).await;
    handle.take_out("primary", "test").unwrap();
    check.await.unwrap();
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.endpoints[0].breaker.recovery.unwrap().have, 0);
    assert_eq!((snapshot.endpoints[0].probes, snapshot.endpoints[0].probes_late), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn stale_successes_do_not_end_the_recovery() {
    let probe = ProbeSettings { driven: Driven::Manual, ..once() };
    let (failover, primary, _) = two(FailoverSettings { probe, ..settings() });
    let handle = failover.handle();
    down(&failover, &primary).await;
    primary.set(Fate::Answer);
    for _ in 0..3 {
        handle.check_now().await;
    }
    // Fresh is two intervals and a round: 11 s.
    sleep(31 * SECOND).await;
    assert_eq!(handle.snapshot().state, FailoverState::OnBackup);
    handle.check_now().await;
    assert_eq!(handle.snapshot().state, FailoverState::OnPrimary);
}

#[tokio::test(start_paused = true)]
async fn traffic_starts_rounds_and_does_not_wait_for_them() {
    let probe = ProbeSettings { driven: Driven::Traffic, ..ProbeSettings::default() };
    let (failover, primary, _) = two(FailoverSettings { probe, ..settings() });
    sleep(100 * SECOND).await;
    assert_eq!(primary.probes(), 0, "no traffic, no probes");
    primary.set(Fate::AnswerAfter(Duration::from_millis(10)));
    let start = Instant::now();
    for _ in 0..100 {
        failover.clone().oneshot(1).await.unwrap();
    }
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(primary.probes(), 1, "at most one an interval");
    for _ in 0..900 {
        failover.clone().oneshot(1).await.unwrap();
    }
    assert!((2..=3).contains(&primary.probes()), "{}", primary.probes());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_a_running_round() {
    let running = Arc::new(());
    let held = running.clone();
    let hung = Endpoint::named("a").with_probe(move || {
        let held = held.clone();
        async move {
            let _held = held;
            std::future::pending::<bool>().await
        }
    });
    let handle = FailoverHandle::new("x", [hung]).unwrap();
    let clone = handle.clone();
    sleep(5 * SECOND + SECOND / 2).await;
    drop(handle);
    tokio::task::yield_now().await;
    assert!(Arc::strong_count(&running) > 1);
    drop(clone);
    sleep(SECOND / 100).await;
    assert_eq!(Arc::strong_count(&running), 1);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn handle_made_outside_a_runtime_probes_from_the_first_request_on() {
    let times = Arc::default();
    let handle = {
        let times: Arc<_> = Arc::clone(&times);
        std::thread::spawn(move || FailoverHandle::new("x", [timed(&times, true)]).unwrap()).join().unwrap()
    };
    sleep(60 * SECOND).await;
    assert!(times.lock().unwrap().is_empty());
    let _active = handle.active();
    sleep(60 * SECOND).await;
    assert!(times.lock().unwrap().len() > 9);
}

#[tokio::test(start_paused = true)]
async fn reconfigure_changes_the_interval_and_refuses_another_window() {
    let times = Arc::default();
    let handle = FailoverHandle::with_settings("x", [timed(&times, true)], settings()).unwrap();
    sleep(50 * SECOND).await;
    let before = times.lock().unwrap().len();
    let probe = ProbeSettings { interval: 50 * SECOND, ..ProbeSettings::default() };
    handle.reconfigure(FailoverSettings { probe, ..settings() }).unwrap();
    sleep(500 * SECOND).await;
    let since = times.lock().unwrap().len() - before;
    assert!((9..=12).contains(&since), "{since}");
    let other_window = FailoverSettings { minimum_calls: 0, ..settings() };
    assert_eq!(handle.reconfigure(other_window).unwrap_err().field(), "minimum_calls");
}

/// Defect: a process without file descriptors declared its endpoints down, by probes that it could not send.
#[tokio::test(start_paused = true)]
async fn probe_that_was_not_sent_changes_nothing() {
    let sent = Arc::new(AtomicUsize::new(0));
    let probe = {
        let sent = sent.clone();
        move || {
            sent.fetch_add(1, SeqCst);
            async {
                let error = std::io::Error::from_raw_os_error(24);
                ProbeOutcome::failed(&error, "too many open files")
            }
        }
    };
    let settings = FailoverSettings { initial: Initial::Up, ..settings() };
    let endpoints = [Endpoint::named("primary").with_probe(probe), Endpoint::named("backup")];
    let handle = FailoverHandle::with_settings("orders", endpoints, settings).unwrap();
    sleep(60 * SECOND).await;
    assert!(sent.load(SeqCst) > 10);
    handle.check_now().await;
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.state, FailoverState::OnPrimary);
    assert_eq!(snapshot.endpoints[0].failed_probes, 0);
    assert!(handle.transitions().is_empty());
}
