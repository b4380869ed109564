//! Runs the checks in the background.
//!
//! One task holds all schedules. It polls no check itself: each run is isolated, so that a check that blocks its thread
//! delays no other check and no endpoint, and a panic ends only its run. The next run of a check starts when the previous
//! one has ended, even one that was dropped at its timeout: runs of a dependency that hangs must not accumulate.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use mainstay_core::{Jitter, Level, LogLimit, Name, Random, StatusReceiver, isolated};
use mainstay_drain::Phase;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    check::{CheckSettings, RunCheck},
    check_state::Run,
    outcome::CheckOutcome,
    registration::{Registration, Source},
    registry::Registry,
    view::{Scope, View},
};

/// The share of the interval by which the second run is moved, in both directions. The first round runs at once, because
/// the process is not ready before it. From the second round on, replicas that started together are spread over a whole
/// interval, so that they do not send their requests at once.
const SPREAD: Jitter = Jitter::Proportional { share: 0.5 };

const JITTER: Jitter = Jitter::Proportional { share: 0.1 };

enum RunResult {
    Outcome(CheckOutcome),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

/// Runs all checks and follows all components.
pub(crate) async fn run_all(registry: Arc<Registry>, registrations: Vec<Registration>, random: Random) {
    let (registry, random) = (&*registry, &random);
    let loops = registrations.into_iter().enumerate().map(|(index, registration)| async move {
        match registration.source {
            Source::Check { run, settings } => run_on_schedule(registry, index, &run, &settings, random).await,
            Source::Component(status) => follow(registry, index, status).await,
        }
    });
    tokio::join!(join_all(loops), end_delay_before_ready(registry));
}

async fn run_on_schedule(
    registry: &Registry,
    index: usize,
    check: &RunCheck,
    settings: &CheckSettings,
    random: &Random,
) {
    let limit = settings.time_limit();
    let (mut next, mut jitter) = (Instant::now(), SPREAD);
    // Held by a run until its future is dropped.
    let slot = Arc::new(Semaphore::new(1));
    loop {
        sleep_until(next).await;
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&slot).acquire_owned().await else { return };
        let started = Instant::now();
        let result = run_once(check, permit, limit).await;
        let ended = Instant::now();
        record(registry, index, result, limit, Run { ended, took: ended - started });
        let interval = jitter.apply(settings.interval, Duration::ZERO, Duration::MAX, random.unit());
        (next, jitter) = (started + interval, JITTER);
    }
}

async fn run_once(check: &RunCheck, permit: OwnedSemaphorePermit, limit: Duration) -> RunResult {
    let check = Arc::clone(check);
    let run = isolated(async move {
        let _permit = permit;
        check().await
    });
    match timeout(limit, AssertUnwindSafe(run).catch_unwind()).await {
        Ok(Ok(outcome)) => RunResult::Outcome(outcome),
        Ok(Err(payload)) => RunResult::Panicked(payload),
        Err(_elapsed) => RunResult::TimedOut,
    }
}

/// Ends the delay of a drain that begins before the process was ready: no load balancer sends it requests, and the end of
/// a start that failed should not take longer.
async fn end_delay_before_ready(registry: &Registry) {
    let Some(drain) = &registry.drain else { return };
    drain.reached(Phase::Announced).await;
    if registry.began_draining_before || !View::new(registry, Scope::All).is_started() {
        drain.skip_delay();
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
        RunResult::Panicked(payload) => {
            panicked = 1;
            tracing::error!(check = %name, panic = panic_text(&*payload), "check panicked");
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
async fn follow(registry: &Registry, index: usize, mut status: StatusReceiver) {
    let log_limit = LogLimit::default();
    let mut next = Some(status.get());
    while let Some(now) = next {
        record_status(registry, index, now.level, &now.reason, &log_limit);
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

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(not a text)")
}
