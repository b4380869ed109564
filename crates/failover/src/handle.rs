//! The handle.

use std::{fmt, sync::Arc};

use mainstay_core::{FailureKind, InvalidSetting, Name, Outcome, StatusReceiver};
use tokio::sync::watch;

use crate::{
    Active, CheckReport, Endpoint, FailoverSettings, FailoverSnapshot, FailoverState, Transition,
    plan::Plan,
    router::{Router, counter},
};

/// The algorithm of a failover: where to go, why, and until when. Clones share one state.
///
/// It is what pages, checks and operators hold, and what a client that is no Tower service asks:
///
/// ```
/// use mainstay_failover::{Endpoint, FailoverHandle};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let replicas = FailoverHandle::new("replicas", [
///     Endpoint::named("eu").with_url("postgres://eu"),
///     Endpoint::named("us").with_url("postgres://us"),
/// ])?;
/// for _ in 0..3 {
///     let active = replicas.active().expect("somewhere to go");
///     assert_eq!(active.url(), Some("postgres://eu"));
///     replicas.record_failure(&active);
/// }
/// assert_eq!(replicas.active().expect("the other one").name(), "us");
/// # Ok(()) }
/// ```
///
/// Probes run in background tasks that start with the handle, or with the first request when it was made outside a
/// runtime, and end with the last handle and service.
#[derive(Clone)]
pub struct FailoverHandle(pub(crate) Arc<Router>);

// === impl FailoverHandle ===

impl FailoverHandle {
    /// A failover over these endpoints, the primary first, with the default settings.
    ///
    /// # Errors
    /// No endpoint, or two of the same name.
    pub fn new(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<()>>,
    ) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, endpoints, FailoverSettings::default())
    }

    /// A failover with these settings.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a setting out of its range.
    pub fn with_settings(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<()>>,
        settings: FailoverSettings,
    ) -> Result<Self, InvalidSetting> {
        let endpoints = endpoints.into_iter().map(|endpoint| endpoint.info).collect();
        Router::new(name.into(), endpoints, settings).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    // --- requests ---

    /// Where a request should go now; `None` when it should be refused. No lock, no I/O.
    #[must_use]
    pub fn active(&self) -> Option<Active> {
        let router = &*self.0;
        let index = match router.plan() {
            Plan::Only(index) => Some(index),
            Plan::From(first) => router.order(first).find(|index| router.tiers[*index].admits()),
            Plan::Refuse => None,
        };
        if index.is_none() {
            router.counters.add(counter::REFUSED);
        }
        index.map(|index| router.tiers[index].active(index))
    }

    /// The request succeeded.
    pub fn record_success(&self, active: &Active) {
        self.record(active, Outcome::Success);
    }

    /// The request failed, and the endpoint is at fault.
    pub fn record_failure(&self, active: &Active) {
        self.record(active, Outcome::failure(FailureKind::Unknown));
    }

    /// The request's outcome. One that comes after a switch changes nothing.
    pub fn record(&self, active: &Active, outcome: Outcome) {
        self.0.record(active.index, active.epoch, outcome);
    }

    // --- looking ---

    /// One look at everything, without I/O.
    #[must_use]
    pub fn snapshot(&self) -> FailoverSnapshot {
        self.0.snapshot()
    }

    /// The last 64 changes, oldest first.
    #[must_use]
    pub fn transitions(&self) -> Vec<Transition> {
        self.0.log().entries()
    }

    /// Its health, for checks and pages: degraded on a backup, unhealthy when all are down.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.status.subscribe()
    }

    /// Wakes at every change of any endpoint.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<FailoverState> {
        self.0.changed.subscribe()
    }

    /// Probes every endpoint now, with retries, and reports. The results count like those of the schedule; calls at
    /// the same time share their rounds.
    pub async fn check_now(&self) -> CheckReport {
        self.0.check().await
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> FailoverSettings {
        FailoverSettings::clone(&self.0.settings())
    }
}

impl fmt::Debug for FailoverHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FailoverHandle({})", self.snapshot())
    }
}
