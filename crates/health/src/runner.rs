//! Runs the checks in the background.
//!
//! One task holds all schedules. Each run is a task of its own, so that a check that blocks its thread delays no other
//! check, and a panic ends only its run. The next run of a check starts when the previous one has ended, even one that
//! was aborted at its timeout: runs of a dependency that hangs must not accumulate.

use std::{any::Any, sync::Arc, time::Duration};

use futures_util::future::join_all;
use mainstay_core::{Jitter, Level, LogLimit, Name, Random, StatusReceiver};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    check::{CheckSettings, RunCheck},
    check_state::Run,
    outcome::CheckOutcome,
    registration::{Registration, Source},
    registry::Registry,
};

/// The window (or the interval, if shorter) over which first runs are spread: long enough that replicas which start
/// together do not send their requests at once, short enough not to delay startup.
const FIRST_RUN_SPREAD: Duration = Duration::from_secs(1);

const JITTER: Jitter = Jitter::Proportional { share: 0.1 };

enum RunResult {
    Outcome(CheckOutcome),
    TimedOut,
    Panicked(JoinError),
}

/// Runs all checks and follows all components.
pub(crate) async fn run_all(registry: Arc<Registry>, registrations: Vec<Registration>, random: Random) {
    let (registry, random) = (&*registry, &random);
    let loops = registrations.into_iter().enumerate().map(|(index, registration)| async move {
        match registration.source {
            Source::Check { run, settings } => run_on_schedule(registry, index, &run, &settings, random).await,
            Source::Component(status) => follow(registry, index, registration.critical, status).await,
        }
    });
    join_all(loops).await;
}

async fn run_on_schedule(
    registry: &Registry,
    index: usize,
    check: &RunCheck,
    settings: &CheckSettings,
    random: &Random,
) {
    let mut next = Instant::now() + settings.interval.min(FIRST_RUN_SPREAD).mul_f64(random.unit());
    let mut runs = JoinSet::new();
    loop {
        sleep_until(next).await;
        let started = Instant::now();
        let result = run_once(&mut runs, check, settings.timeout).await;
        let ended = Instant::now();
        record(registry, index, result, settings.timeout, Run { ended, took: ended - started });
        // Waits for a run that timed out.
        runs.shutdown().await;
        let interval = JITTER.apply(settings.interval, Duration::ZERO, Duration::MAX, random.unit());
        next = (started + interval).max(Instant::now());
    }
}

async fn run_once(runs: &mut JoinSet<CheckOutcome>, check: &RunCheck, limit: Duration) -> RunResult {
    let check = Arc::clone(check);
    runs.spawn(async move { check().await });
    match timeout(limit, runs.join_next()).await {
        Ok(Some(Ok(outcome))) => RunResult::Outcome(outcome),
        Ok(Some(Err(error))) => RunResult::Panicked(error),
        // `None` is impossible: one run was spawned.
        Ok(None) | Err(_) => RunResult::TimedOut,
    }
}

fn record(registry: &Registry, index: usize, result: RunResult, limit: Duration, run: Run) {
    let name = registry.name(index);
    let (mut timed_out, mut panicked) = (0, 0);
    let (level, reason) = match result {
        RunResult::Outcome(outcome) => outcome.into_parts(),
        RunResult::TimedOut => {
            timed_out = 1;
            (Level::Unhealthy, format!("no answer within {limit:?}"))
        }
        RunResult::Panicked(error) => {
            panicked = 1;
            log_panic(name, error);
            (Level::Unhealthy, String::from("the check panicked"))
        }
    };
    let (changed, failures) = registry.update(index, |state| {
        state.totals.timeouts += timed_out;
        state.totals.panics += panicked;
        (state.record(level, reason.clone(), run), state.streak.failures)
    });
    log_result(name, &reason, changed, failures);
}

/// Records each status that a component publishes.
async fn follow(registry: &Registry, index: usize, critical: bool, mut status: StatusReceiver) {
    let log_limit = LogLimit::default();
    let mut next = Some(status.get());
    while let Some(now) = next {
        let level = match now.level {
            Level::Unhealthy if !critical => Level::Degraded,
            level => level,
        };
        record_status(registry, index, level, &now.reason, &log_limit);
        next = status.changed().await;
    }
    record_status(registry, index, Level::Unknown, "the component is gone", &LogLimit::default());
}

fn record_status(registry: &Registry, index: usize, level: Level, reason: &str, log_limit: &LogLimit) {
    let run = Run { ended: Instant::now(), took: Duration::ZERO };
    let changed = registry.update(index, |state| state.record(level, reason.to_owned(), run));
    if changed.is_none() {
        return;
    }
    // A component may change its status with every request, and logs its changes itself.
    let line = match level {
        Level::Healthy => log_limit.recovery(),
        _ => log_limit.fault(run.ended),
    };
    match line {
        Some(_) => log_result(registry.name(index), reason, changed, 0),
        None => tracing::debug!(check = %registry.name(index), %level, reason, "component changed"),
    }
}

fn log_result(check: &Name, reason: &str, changed: Option<(Level, Level)>, failures: u32) {
    match changed {
        Some((Level::Unknown, Level::Healthy)) => tracing::debug!(%check, "check is healthy"),
        Some((from, to @ (Level::Healthy | Level::Degraded))) => {
            tracing::info!(%check, %from, %to, reason, "check changed");
        }
        Some((from, to)) => tracing::warn!(%check, %from, %to, reason, "check changed"),
        None if failures == 1 => tracing::warn!(%check, reason, "check failed once; its level has not changed"),
        None => {}
    }
}

fn log_panic(check: &Name, error: JoinError) {
    let Ok(payload) = error.try_into_panic() else { return };
    tracing::error!(%check, panic = panic_text(payload.as_ref()), "check panicked");
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(not a text)")
}
