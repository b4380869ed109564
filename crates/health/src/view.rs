//! The state of the process, derived from the results of the checks at one time.

use mainstay_core::{Level, Name};
use tokio::{sync::watch, time::Instant};

use crate::{
    check_state::{CheckState, passes},
    registry::Registry,
    snapshot::{CheckSnapshot, Snapshot},
};

/// The checks that count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    All,
    /// The members of a group, by index.
    Members(&'a [usize]),
    /// No check: only the process itself. Startup does not count either, because it waits for checks.
    #[cfg(feature = "axum")]
    Process,
}

/// A consistent read of the registry. It holds a read lock: drop it soon.
pub(crate) struct View<'a> {
    registry: &'a Registry,
    states: watch::Ref<'a, Vec<CheckState>>,
    scope: Scope<'a>,
    now: Instant,
}

// === impl View ===

impl<'a> View<'a> {
    pub(crate) fn new(registry: &'a Registry, scope: Scope<'a>) -> Self {
        Self { registry, states: registry.states.borrow(), scope, now: Instant::now() }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            level: self.level(),
            not_ready: self.not_ready(),
            started: self.is_started(),
            draining: self.registry.is_draining(),
            alive: self.registry.is_alive(),
            checks: self.checks(),
        }
    }

    pub(crate) fn level(&self) -> Level {
        let levels = self.selected().map(|(_, critical, state)| match state.level_at(self.now).0 {
            Level::Healthy => Level::Healthy,
            level if critical && !passes(level) => Level::Unhealthy,
            _ => Level::Degraded,
        });
        levels.max().unwrap_or(Level::Healthy)
    }

    /// Returns why the process is not ready: the drain, a critical check, or startup.
    pub(crate) fn not_ready(&self) -> Option<String> {
        if self.registry.is_draining() {
            return Some(String::from("draining"));
        }
        let failed = self.selected().find(|(_, critical, state)| *critical && !passes(state.level_at(self.now).0));
        if let Some((name, ..)) = failed {
            return Some(format!("{name} not ready"));
        }
        #[cfg(feature = "axum")]
        if matches!(self.scope, Scope::Process) {
            return None;
        }
        (!self.is_started()).then(|| String::from("starting"))
    }

    /// Returns whether every critical check has passed once, whatever the scope.
    pub(crate) fn is_started(&self) -> bool {
        self.registry.checks.iter().zip(&*self.states).all(|((_, critical), state)| state.has_passed || !critical)
    }

    pub(crate) fn checks(&self) -> Vec<CheckSnapshot> {
        self.selected().map(|(name, critical, state)| check_snapshot(name, critical, state, self.now)).collect()
    }

    /// Returns when the next result expires, if no run renews it.
    #[cfg(feature = "tonic")]
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        // A result is stale *after* its expiry, and timers fire at it.
        const TICK: std::time::Duration = std::time::Duration::from_millis(1);
        let times = self.states.iter().filter_map(CheckState::expires_at);
        times.filter(|time| *time >= self.now).min().map(|time| time + TICK)
    }

    fn selected(&self) -> impl Iterator<Item = (&Name, bool, &CheckState)> {
        let all = self.registry.checks.iter().zip(&*self.states).enumerate();
        let selected = all.filter(|(index, _)| match self.scope {
            Scope::All => true,
            Scope::Members(members) => members.contains(index),
            #[cfg(feature = "axum")]
            Scope::Process => false,
        });
        selected.map(|(_, ((name, critical), state))| (name, *critical, state))
    }
}

fn check_snapshot(name: &Name, critical: bool, state: &CheckState, now: Instant) -> CheckSnapshot {
    let (level, reason) = state.level_at(now);
    let run = state.last_run();
    CheckSnapshot {
        name: name.clone(),
        level,
        critical,
        reason: reason.to_owned(),
        held: now.saturating_duration_since(state.since(now)),
        age: run.map(|run| now.saturating_duration_since(run.ended)),
        took: run.map(|run| run.took),
        consecutive_failures: state.streak.failures,
        runs: state.totals.runs,
        failures: state.totals.failures,
        timeouts: state.totals.timeouts,
        panics: state.totals.panics,
    }
}
