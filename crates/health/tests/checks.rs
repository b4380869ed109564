//! The registry on a paused clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use mainstay_core::{Random, Status, StatusSender};
use mainstay_health::{Check, CheckOutcome, CheckSettings, CheckSnapshot, Health, HealthBuilder, Level};
use tokio::time::{Instant, sleep};

const S: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn healthy(name: &'static str) -> Check {
    Check::new(name, || async { CheckOutcome::healthy() })
}

fn failing(name: &'static str) -> Check {
    Check::new(name, || async { Err::<(), _>("connection refused") })
}

fn hanging(name: &'static str) -> Check {
    Check::new(name, || async {
        std::future::pending::<()>().await;
        CheckOutcome::healthy()
    })
}

/// Checks keep their interval without jitter.
fn exact() -> HealthBuilder {
    Health::builder().random(Random::scripted(&[0.5]))
}

fn level(health: &Health, name: &str) -> Level {
    check(health, name).level
}

fn check(health: &Health, name: &str) -> CheckSnapshot {
    health.snapshot().checks.into_iter().find(|check| check.name == *name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn check_is_unknown_until_its_first_run() {
    let health = exact().check(healthy("database").critical()).build().unwrap();
    assert_eq!(level(&health, "database"), Level::Unknown);
    assert_eq!(health.snapshot().level, Level::Unhealthy);
    assert_eq!(health.snapshot().not_ready.as_deref(), Some("database not ready"));
    assert!(!health.is_started());
    health.until_ready().await;
    let snapshot = health.snapshot();
    assert_eq!((snapshot.level, snapshot.started, snapshot.alive), (Level::Healthy, true, true));
    assert_eq!(snapshot.checks[0].runs, 1);
}

/// The first round does not wait for a spread.
#[tokio::test(start_paused = true)]
async fn process_is_ready_as_soon_as_its_checks_pass() {
    for seed in 0..20 {
        let start = Instant::now();
        let slow = Check::new("slow", || async {
            sleep(200 * MS).await;
            CheckOutcome::healthy()
        });
        let random = Random::seeded(seed);
        let health =
            Health::builder().random(random).check(healthy("a").critical()).check(slow.critical()).build().unwrap();
        assert!(health.until_ready().await);
        assert_eq!(start.elapsed(), 200 * MS);
    }
}

#[tokio::test(start_paused = true)]
async fn default_timeout_follows_the_interval() {
    for (interval, timeout) in [(S, S / 2), (2 * MS, MS), (1_500 * MS, 750 * MS), (2 * S, S), (60 * S, S)] {
        let health = exact().check(hanging("slow").interval(interval)).build().unwrap();
        sleep(2 * S).await;
        assert_eq!(check(&health, "slow").took, Some(timeout), "{interval:?}");
    }
    let error = exact().check(healthy("a").interval(S).timeout(S)).build().unwrap_err();
    assert_eq!(error.to_string(), "checks.a.timeout = 1s: must be below interval, 1s");
}

#[tokio::test(start_paused = true)]
async fn process_without_checks_is_ready() {
    let health = Health::builder().build().unwrap();
    assert!(health.is_ready() && health.is_started());
    assert_eq!(health.snapshot().level, Level::Healthy);
}

#[tokio::test(start_paused = true)]
async fn failed_check_that_is_not_critical_degrades_and_leaves_the_process_ready() {
    let health = exact().check(healthy("database").critical()).check(failing("search")).build().unwrap();
    sleep(2 * S).await;
    assert_eq!(level(&health, "search"), Level::Unhealthy);
    assert_eq!(health.snapshot().level, Level::Degraded);
    assert!(health.is_ready());
}

#[tokio::test(start_paused = true)]
async fn critical_failure_makes_the_process_not_ready_until_rise_successes() {
    let sick = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&sick);
    let database = Check::new("database", move || {
        let state = Arc::clone(&state);
        async move { if state.load(SeqCst) == 0 { Ok(()) } else { Err("refused") } }
    });
    let health = exact().check(database.critical().interval(10 * S).fall(2).rise(3)).build().unwrap();
    health.until_ready().await;
    sick.store(1, SeqCst);
    sleep(12 * S).await;
    assert!(health.is_ready(), "one failure of two");
    sleep(10 * S).await;
    assert_eq!(health.snapshot().not_ready.as_deref(), Some("database not ready"));
    assert_eq!(check(&health, "database").reason, "refused");
    sick.store(0, SeqCst);
    sleep(20 * S).await;
    assert!(!health.is_ready(), "two successes of three");
    sleep(11 * S).await;
    assert!(health.is_ready());
    assert!(health.is_started(), "startup stays true");
}

/// Defect of another library: handlers run the checks, one timeout after the other.
#[tokio::test(start_paused = true)]
async fn checks_run_in_parallel_each_with_its_own_timeout() {
    let started = Instant::now();
    let mut builder = exact();
    for name in ["a", "b", "c", "d", "e"] {
        builder = builder.check(hanging(name).timeout(2 * S));
    }
    let health = builder.check(healthy("last").critical()).build().unwrap();
    health.until_ready().await;
    assert!(started.elapsed() <= S);
    sleep(3 * S).await;
    for name in ["a", "b", "c", "d", "e"] {
        let check = check(&health, name);
        assert_eq!((check.level, check.timeouts), (Level::Unhealthy, 1));
        assert_eq!(check.took, Some(2 * S));
        assert_eq!(check.reason, "no answer within 2s");
    }
}

#[tokio::test(start_paused = true)]
async fn one_run_is_in_flight_per_check_and_a_late_run_is_dropped() {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counter, high) = (Arc::clone(&running), Arc::clone(&most));
    let check = Check::new("slow", move || {
        high.fetch_max(counter.fetch_add(1, SeqCst) + 1, SeqCst);
        let running = Running(Arc::clone(&counter));
        async move {
            std::future::pending::<()>().await;
            drop(running);
            CheckOutcome::healthy()
        }
    });
    let health = exact().check(check.interval(2 * S).timeout(S)).build().unwrap();
    sleep(20 * S).await;
    assert_eq!(most.load(SeqCst), 1);
    assert!(self::check(&health, "slow").runs >= 9);
    drop(health);
    sleep(S).await;
    assert_eq!(running.load(SeqCst), 0, "the last run ends with the registry");
}

#[tokio::test(start_paused = true)]
async fn panic_is_a_failed_run_and_the_next_run_starts() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let check = Check::new("shaky", move || {
        let run = count.fetch_add(1, SeqCst);
        async move {
            assert!(run > 0, "postgres://admin:hunter2@db/orders");
            CheckOutcome::healthy()
        }
    });
    let health = exact().check(check.rise(1)).build().unwrap();
    sleep(2 * S).await;
    let first = self::check(&health, "shaky");
    assert_eq!((first.level, first.panics), (Level::Unhealthy, 1));
    assert_eq!(first.reason, "the check panicked");
    sleep(5 * S).await;
    assert_eq!(level(&health, "shaky"), Level::Healthy);
}

#[tokio::test(start_paused = true)]
async fn panic_before_the_future_is_a_failed_run() {
    let check = Check::new("shaky", || {
        let verdict: Result<CheckOutcome, &str> = std::hint::black_box(Err("no verdict"));
        std::future::ready(verdict.unwrap())
    });
    let health = exact().check(check).check(healthy("other")).build().unwrap();
    sleep(6 * S).await;
    assert_eq!(self::check(&health, "shaky").panics, 2);
    assert_eq!(level(&health, "other"), Level::Healthy);
}

/// Defect of another library: an expired result still shown as healthy. A blocked thread cannot be stopped, so that the result
/// expires.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_that_blocks_its_thread_delays_no_other_and_becomes_unknown() {
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let stuck = Check::new("stuck", move || {
        let blocked = Arc::clone(&blocked);
        async move {
            let _ = blocked.lock().unwrap().recv();
            CheckOutcome::healthy()
        }
    });
    let health = Health::builder()
        .random(Random::scripted(&[0.0]))
        .check(stuck.interval(20 * MS).timeout(10 * MS))
        .check(healthy("other").interval(20 * MS).timeout(10 * MS))
        .build()
        .unwrap();
    let mut seen = Vec::new();
    tokio::time::timeout(20 * S, async {
        while level(&health, "stuck") != Level::Unknown || seen.is_empty() {
            seen.extend(Some(level(&health, "stuck")).filter(|level| *level == Level::Unhealthy));
            sleep(MS).await;
        }
        let runs = check(&health, "other").runs;
        while check(&health, "other").runs < runs + 2 {
            sleep(MS).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(check(&health, "stuck").runs, 1);
    drop(unblock);
}

/// Defect of another library: all probes run at the same instant.
#[tokio::test(start_paused = true)]
async fn first_round_runs_at_once_and_later_rounds_are_spread() {
    let start = Instant::now();
    let (send, mut times) = tokio::sync::mpsc::unbounded_channel();
    let mut builder = Health::builder().random(Random::seeded(7));
    for i in 0..200 {
        let send = send.clone();
        builder = builder.check(Check::new(format!("check-{i}"), move || {
            let _ = send.send(start.elapsed());
            async { CheckOutcome::healthy() }
        }));
    }
    let _health = builder.build().unwrap();
    sleep(S).await;
    let first: Vec<_> = std::iter::from_fn(|| times.try_recv().ok()).collect();
    assert_eq!(first, [Duration::ZERO; 200]);
    // The second round fills a whole interval of 5 s.
    sleep(6_990 * MS).await;
    let mut slots = [0; 80];
    while let Ok(time) = times.try_recv() {
        slots[(time.as_millis() / 100) as usize] += 1;
    }
    let (early, second) = slots.split_at(25);
    assert_eq!((early.iter().sum::<i32>(), second.iter().sum::<i32>() >= 200), (0, true), "{slots:?}");
    assert!(second[..50].iter().all(|n| *n <= 16), "{slots:?}");
    assert!(second[..50].iter().filter(|n| **n > 0).count() >= 40, "{slots:?}");
}

#[tokio::test(start_paused = true)]
async fn component_status_shows_at_once_and_never_expires() {
    let breaker = StatusSender::new(Status::new(Level::Healthy, ""));
    let health = Health::builder().component("orders", breaker.subscribe()).build().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(level(&health, "orders"), Level::Healthy);
    sleep(3600 * S).await;
    assert_eq!(level(&health, "orders"), Level::Healthy);
    breaker.publish(Level::Unhealthy, "open: 5 failures in a row");
    tokio::task::yield_now().await;
    let check = check(&health, "orders");
    assert_eq!((check.level, check.reason.as_str()), (Level::Unhealthy, "open: 5 failures in a row"));
    assert_eq!(health.snapshot().level, Level::Degraded);
    assert!(health.is_ready(), "an open breaker does not make the process unhealthy");
    drop(breaker);
    tokio::task::yield_now().await;
    assert_eq!(level(&health, "orders"), Level::Unknown);
}

#[tokio::test(start_paused = true)]
async fn critical_component_decides_readiness() {
    let failover = StatusSender::new(Status::new(Level::Unhealthy, "all endpoints down"));
    let health = Health::builder().critical_component("backends", failover.subscribe()).build().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(health.snapshot().not_ready.as_deref(), Some("backends not ready"));
    assert_eq!(health.snapshot().level, Level::Unhealthy);
    failover.publish(Level::Degraded, "on backup-1");
    tokio::task::yield_now().await;
    assert!(health.is_ready());
    assert_eq!(health.snapshot().level, Level::Degraded);
}

#[tokio::test(start_paused = true)]
async fn group_depends_only_on_its_members() {
    let health = exact()
        .check(healthy("database").critical())
        .check(failing("queue").critical())
        .group("reads", ["database"])
        .group("writes", ["database", "queue"])
        .build()
        .unwrap();
    sleep(2 * S).await;
    let reads = health.group("reads").unwrap();
    assert_eq!((reads.level, reads.checks.len()), (Level::Healthy, 1));
    assert_eq!(health.group("writes").unwrap().not_ready.as_deref(), Some("queue not ready"));
    assert!(health.group("others").is_none());
}

#[tokio::test(start_paused = true)]
async fn invalid_registries_are_errors_with_field_value_and_range() {
    let refused = |builder: HealthBuilder| builder.build().unwrap_err().to_string();
    let with = |settings| refused(Health::builder().check(healthy("database").with_settings(settings)));
    let good = CheckSettings::default();
    assert_eq!(refused(Health::builder().check(healthy("a")).check(failing("a"))), "check = a: must be used once");
    assert_eq!(refused(Health::builder().check(healthy(" "))), r#"check = " ": must have a name"#);
    assert_eq!(
        refused(Health::builder().check(healthy("a")).group("g", ["a", "b"])),
        "groups.g = b: must name a check or a component of this registry"
    );
    assert_eq!(refused(Health::builder().group("g", Vec::<&'static str>::new())), "groups.g = []: must have members");
    assert_eq!(
        refused(Health::builder().check(healthy("a")).group("g", ["a"]).group("g", ["a"])),
        "group = g: must be used once"
    );
    assert_eq!(
        with(CheckSettings { timeout: Some(5 * S), ..good.clone() }),
        "checks.database.timeout = 5s: must be below interval, 5s"
    );
    assert_eq!(with(CheckSettings { fall: 0, ..good.clone() }), "checks.database.fall = 0: must be 1 to 1000");
    assert_eq!(with(CheckSettings { rise: 0, ..good.clone() }), "checks.database.rise = 0: must be 1 to 1000");
    assert!(with(CheckSettings { timeout: Some(Duration::ZERO), ..good.clone() }).contains("timeout = 0s"));
    assert!(with(CheckSettings { interval: Duration::MAX, ..good }).contains("interval = "));
}

#[test]
fn build_without_runtime_is_an_error() {
    let error = Health::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "runtime = none: must be built inside a tokio runtime");
}

#[tokio::test(start_paused = true)]
async fn declared_death_is_permanent_and_does_not_change_readiness() {
    let health = Health::builder().build().unwrap();
    health.declare_dead("the writer thread is gone");
    assert!(!health.is_alive());
    assert!(health.is_ready());
}
