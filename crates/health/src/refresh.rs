//! Runs the checks in the background.
//!
//! One task holds all schedules; each run is a task of its own, so a check that blocks its thread delays no other and
//! a panic ends there. The next run of a check waits until the last one is really gone, even one that was told to
//! stop: a dependency that hangs must not collect runs.

use std::{any::Any, sync::Arc, time::Duration};

use futures_util::future::join_all;
use mainstay_core::{Jitter, Level, Name, Random, StatusReceiver};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    Verdict,
    builder::{Entry, Source},
    check::{CheckSettings, Probe},
    health::Shared,
    record::Run,
};

/// The first runs are spread over this long (or the interval, if shorter): long enough that replicas which start
/// together do not ask as one, short enough that startup is not held up.
const SPREAD: Duration = Duration::from_secs(1);

const JITTER: Jitter = Jitter::Proportional { share: 0.1 };

enum End {
    Verdict(Verdict),
    TimedOut,
    Panicked(JoinError),
}

/// Runs every check for ever.
pub(crate) async fn refresh(shared: Arc<Shared>, entries: Vec<Entry>, random: Random) {
    let (shared, random) = (&*shared, &random);
    let loops = entries.into_iter().enumerate().map(|(index, entry)| async move {
        match entry.source {
            Source::Check { probe, settings } => run_for_ever(shared, index, &probe, &settings, random).await,
            Source::Component(status) => follow(shared, index, entry.critical, status).await,
        }
    });
    join_all(loops).await;
}

async fn run_for_ever(shared: &Shared, index: usize, probe: &Probe, settings: &CheckSettings, random: &Random) {
    let mut next = Instant::now() + settings.interval.min(SPREAD).mul_f64(random.unit());
    let mut runs = JoinSet::new();
    loop {
        sleep_until(next).await;
        let started = Instant::now();
        let end = run(&mut runs, probe, settings.timeout).await;
        let ended = Instant::now();
        publish(shared, index, end, settings.timeout, Run { ended, took: ended - started });
        // Empty unless it timed out.
        runs.shutdown().await;
        let interval = JITTER.apply(settings.interval, Duration::ZERO, Duration::MAX, random.unit());
        next = (started + interval).max(Instant::now());
    }
}

async fn run(runs: &mut JoinSet<Verdict>, probe: &Probe, limit: Duration) -> End {
    let probe = Arc::clone(probe);
    runs.spawn(async move { probe().await });
    match timeout(limit, runs.join_next()).await {
        Ok(Some(Ok(verdict))) => End::Verdict(verdict),
        Ok(Some(Err(error))) => End::Panicked(error),
        // `None` needs an empty set, and one was spawned.
        Ok(None) | Err(_) => End::TimedOut,
    }
}

fn publish(shared: &Shared, index: usize, end: End, limit: Duration, run: Run) {
    let name = shared.name(index);
    let (mut timed_out, mut panicked) = (0, 0);
    let (level, reason) = match end {
        End::Verdict(verdict) => verdict.into_parts(),
        End::TimedOut => {
            timed_out = 1;
            (Level::Unhealthy, format!("no answer within {limit:?}"))
        }
        End::Panicked(error) => {
            panicked = 1;
            log_panic(name, error);
            (Level::Unhealthy, String::from("the check panicked"))
        }
    };
    let (changed, failures) = shared.update(index, |record| {
        record.totals.timeouts += timed_out;
        record.totals.panics += panicked;
        (record.observe(level, reason.clone(), run), record.streak.failures)
    });
    log_result(name, &reason, changed, failures);
}

/// A component needs no schedule: it is read when it changes.
async fn follow(shared: &Shared, index: usize, critical: bool, mut status: StatusReceiver) {
    let mut next = Some(status.get());
    while let Some(now) = next {
        let level = match now.level {
            Level::Unhealthy if !critical => Level::Degraded,
            level => level,
        };
        report(shared, index, level, &now.reason);
        next = status.changed().await;
    }
    report(shared, index, Level::Unknown, "the component is gone");
}

fn report(shared: &Shared, index: usize, level: Level, reason: &str) {
    let run = Run { ended: Instant::now(), took: Duration::ZERO };
    let changed = shared.update(index, |record| record.observe(level, reason.to_owned(), run));
    log_result(shared.name(index), reason, changed, 0);
}

fn log_result(check: &Name, reason: &str, changed: Option<(Level, Level)>, failures: u32) {
    match changed {
        Some((Level::Unknown, Level::Healthy)) => tracing::debug!(%check, "check is healthy"),
        Some((from, to @ (Level::Healthy | Level::Degraded))) => {
            tracing::info!(%check, %from, %to, reason, "check changed");
        }
        Some((from, to)) => tracing::warn!(%check, %from, %to, reason, "check changed"),
        None if failures == 1 => tracing::warn!(%check, reason, "check failed; it counts after more of these"),
        None => {}
    }
}

fn log_panic(check: &Name, error: JoinError) {
    let Ok(payload) = error.try_into_panic() else { return };
    tracing::error!(%check, panic = text(payload.as_ref()), "check panicked");
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(not a text)")
}
