//! The handle: reads the registry, and keeps the background runs alive.

use std::{fmt, sync::Arc};

use mainstay_core::Random;
use mainstay_drain::Phase;
use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

use crate::{
    check_state::CheckState,
    registration::Registration,
    registry::Registry,
    runner::run_all,
    snapshot::Snapshot,
    view::{Scope, View},
};

/// The health of this process: checks that run in the background, and their results.
///
/// It is a value, not a global, so that each test can have its own. Clones are cheap and share all state.
///
/// ```
/// use mainstay_health::{Check, CheckOutcome, Health};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_health::InvalidSetting> {
/// let health = Health::builder()
///     .check(Check::new("database", || async { CheckOutcome::healthy() }).critical())
///     .check(Check::new("search", || async { Err::<(), _>("connection refused") }))
///     .build()?;
/// assert!(health.until_ready().await);
/// assert!(health.snapshot().not_ready.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Health {
    registry: Arc<Registry>,
    _runner: Arc<AbortOnDrop>,
}

/// Stops the background runs with the last `Health`.
struct AbortOnDrop(AbortHandle);

// === impl Health ===

impl Health {
    pub(crate) fn start(
        registry: Registry,
        registrations: Vec<Registration>,
        random: Random,
        runtime: &Handle,
    ) -> Self {
        let registry = Arc::new(registry);
        let runner = runtime.spawn(run_all(Arc::clone(&registry), registrations, random));
        Self { registry, _runner: Arc::new(AbortOnDrop(runner.abort_handle())) }
    }

    /// Returns the state of the process and of all checks.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view(Scope::All).snapshot()
    }

    /// Returns the state of one group; `None` if there is no such group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Snapshot> {
        self.scope(name).map(|scope| self.view(scope).snapshot())
    }

    /// Returns whether every critical check has passed once. Once `true`, it stays so.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.view(Scope::All).is_started()
    }

    /// Returns whether the process can take traffic: started, not draining, every critical check healthy or degraded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.view(Scope::All).not_ready().is_none()
    }

    /// Returns whether the [drain](crate::HealthBuilder::drain) of the process has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.registry.is_draining()
    }

    /// Returns `false` once [`declare_dead`](Self::declare_dead) was called.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.registry.is_alive()
    }

    /// Declares that only a restart can help (a corrupt state, a worker that is gone). `/live` responds 503 from then on,
    /// and the orchestrator restarts the process. Do not use it for a dependency's failure: a restart does not repair a
    /// database, and every replica would restart.
    pub fn declare_dead(&self, reason: &str) {
        if self.registry.declare_dead() {
            tracing::error!(reason, "process declared dead: /live responds 503 until the restart");
        }
    }

    /// Waits until the process is ready, and returns `true`. Once the process drains, it returns `false`, because a
    /// process that drains does not become ready again.
    pub async fn until_ready(&self) -> bool {
        let mut changes = self.changes();
        loop {
            if self.is_ready() {
                return true;
            }
            if self.is_draining() {
                return false;
            }
            tokio::select! {
                // `changed` cannot fail: `self` holds the sender.
                _ = changes.changed() => {}
                () = self.registry.drain_reached(Phase::Announced) => {}
            }
        }
    }

    #[cfg(any(feature = "axum", feature = "tonic"))]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn scope(&self, group: &str) -> Option<Scope<'_>> {
        self.registry.groups.get(group).map(|members| Scope::Members(members))
    }

    pub(crate) fn view<'a>(&'a self, scope: Scope<'a>) -> View<'a> {
        View::new(&self.registry, scope)
    }

    /// Subscribes to the results of all checks.
    pub(crate) fn changes(&self) -> watch::Receiver<Vec<CheckState>> {
        self.registry.states.subscribe()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.snapshot()).finish()
    }
}

// === impl AbortOnDrop ===

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
