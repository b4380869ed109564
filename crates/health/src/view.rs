//! What follows from the results at one time: one look at them, so that no answer contradicts itself.

use mainstay_core::{Level, Name};
use tokio::{sync::watch, time::Instant};

use crate::{
    CheckSnapshot, Snapshot,
    health::Shared,
    record::{Record, passes},
};

/// Which checks a question is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    All,
    Members(&'a [usize]),
    /// None: the process by itself. Startup too waits for checks, so it does not count either.
    #[cfg(feature = "axum")]
    Process,
}

/// A look at the results. It holds a read lock: not to be kept.
pub(crate) struct View<'a> {
    shared: &'a Shared,
    records: watch::Ref<'a, Vec<Record>>,
    scope: Scope<'a>,
    now: Instant,
}

// === impl View ===

impl<'a> View<'a> {
    pub(crate) fn new(shared: &'a Shared, scope: Scope<'a>) -> Self {
        Self { shared, records: shared.records.borrow(), scope, now: Instant::now() }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            level: self.level(),
            not_ready: self.not_ready(),
            started: self.is_started(),
            draining: self.shared.is_draining(),
            alive: self.shared.is_alive(),
            checks: self.checks(),
        }
    }

    pub(crate) fn level(&self) -> Level {
        let levels = self.selected().map(|(_, critical, record)| match record.current(self.now).0 {
            Level::Healthy => Level::Healthy,
            level if critical && !passes(level) => Level::Unhealthy,
            _ => Level::Degraded,
        });
        levels.max().unwrap_or(Level::Healthy)
    }

    /// Why not: draining, a critical check, or startup.
    pub(crate) fn not_ready(&self) -> Option<String> {
        if self.shared.is_draining() {
            return Some(String::from("draining"));
        }
        let failed = self.selected().find(|(_, critical, record)| *critical && !passes(record.current(self.now).0));
        if let Some((name, ..)) = failed {
            return Some(format!("{name} not ready"));
        }
        #[cfg(feature = "axum")]
        if matches!(self.scope, Scope::Process) {
            return None;
        }
        (!self.is_started()).then(|| String::from("starting"))
    }

    /// Startup is the process's own, whatever the scope.
    pub(crate) fn is_started(&self) -> bool {
        self.shared.meta.iter().zip(&*self.records).all(|((_, critical), record)| record.passed || !critical)
    }

    pub(crate) fn checks(&self) -> Vec<CheckSnapshot> {
        self.selected().map(|(name, critical, record)| show(name, critical, record, self.now)).collect()
    }

    /// When the next result becomes too old, if nothing renews it.
    #[cfg(feature = "tonic")]
    pub(crate) fn next_stale(&self) -> Option<Instant> {
        // A result is too old *after* its time, and timers go off at it.
        const TICK: std::time::Duration = std::time::Duration::from_millis(1);
        let times = self.records.iter().filter_map(Record::stale_at);
        times.filter(|time| *time >= self.now).min().map(|time| time + TICK)
    }

    fn selected(&self) -> impl Iterator<Item = (&Name, bool, &Record)> {
        let all = self.shared.meta.iter().zip(&*self.records).enumerate();
        let selected = all.filter(|(index, _)| match self.scope {
            Scope::All => true,
            Scope::Members(members) => members.contains(index),
            #[cfg(feature = "axum")]
            Scope::Process => false,
        });
        selected.map(|(_, ((name, critical), record))| (name, *critical, record))
    }
}

fn show(name: &Name, critical: bool, record: &Record, now: Instant) -> CheckSnapshot {
    let (level, reason) = record.current(now);
    let run = record.result();
    CheckSnapshot {
        name: name.clone(),
        level,
        critical,
        reason: reason.to_owned(),
        held: now.saturating_duration_since(record.since(now)),
        age: run.map(|run| now.saturating_duration_since(run.ended)),
        took: run.map(|run| run.took),
        consecutive_failures: record.streak.failures,
        runs: record.totals.runs,
        failures: record.totals.failures,
        timeouts: record.totals.timeouts,
        panics: record.totals.panics,
    }
}
