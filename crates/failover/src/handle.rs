//! The handle.

use std::sync::Arc;

use mainstay_core::{
    Events, FailureKind, InvalidSetting, Name, Outcome, Reason, Rejected, StateReceiver, StatusReceiver,
};
use tokio::time::Instant;

use crate::{
    active::Active,
    control::Flag,
    counters::REFUSED,
    endpoint::{Endpoint, EndpointInfo},
    endpoint_state::EndpointState,
    event::FailoverEvent,
    evidence,
    history::History,
    live::LiveSettings,
    permit::EndpointPermit,
    prober::Prober,
    report::CheckReport,
    route::FailoverState,
    selector::{Selection, order},
    settings::{FailoverSettings, Initial, ReturnMode},
    switchboard::Switchboard,
    transition::Transition,
    weight::Others,
};

/// The algorithm of a failover: which endpoint is in use, why, and until when. Clones share one state.
///
/// Pages, checks and operators hold it, and so does a client that is no Tower service:
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
///     let active = replicas.active().expect("a usable endpoint");
///     assert_eq!(active.url(), Some("postgres://eu"));
///     replicas.record_failure(&active);
/// }
/// assert_eq!(replicas.active().expect("the backup").name(), "us");
/// # Ok(()) }
/// ```
///
/// Probes run in background tasks. They start with the handle, or with the first request when it was made outside a
/// runtime, and end when the last handle and service are dropped.
#[derive(Clone)]
pub struct FailoverHandle {
    pub(crate) board: Arc<Switchboard>,
    pub(crate) prober: Arc<Prober>,
}

// === impl FailoverHandle ===

impl FailoverHandle {
    /// Creates a failover over these endpoints, the primary first, with the default settings.
    ///
    /// # Errors
    /// No endpoint, or two of the same name.
    pub fn new(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<()>>,
    ) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, endpoints, FailoverSettings::default())
    }

    /// Creates a failover with these settings.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a setting out of its range.
    pub fn with_settings(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<()>>,
        settings: FailoverSettings,
    ) -> Result<Self, InvalidSetting> {
        Self::build(name.into(), endpoints.into_iter().map(|endpoint| endpoint.info).collect(), settings)
    }

    pub(crate) fn build(
        name: Name,
        infos: Vec<EndpointInfo>,
        settings: FailoverSettings,
    ) -> Result<Self, InvalidSetting> {
        settings.validate().and_then(|()| EndpointInfo::check_names(&infos)).map_err(|wrong| wrong.of(&name))?;
        let endpoints: Result<_, _> =
            infos.iter().map(|info| EndpointState::new(info, &settings, infos.len() == 1)).collect();
        let board = Arc::new(Switchboard::new(name, endpoints?, LiveSettings::new(settings)));
        let prober = Arc::new(Prober::new(&board, infos));
        let handle = Self { board, prober };
        if handle.board.live.all().initial == Initial::Down {
            let probed = handle.board.endpoints.iter().filter(|endpoint| endpoint.is_probed);
            probed.for_each(|endpoint| endpoint.breaker.trip("not probed yet"));
        }
        handle.configure();
        Ok(handle)
    }

    /// Applies the settings in force.
    pub(crate) fn configure(&self) {
        let settings = self.board.live.all();
        self.board.control.set(Flag::DryRun, settings.dry_run);
        self.board.control.set(Flag::ManualReturn, settings.return_mode == ReturnMode::Manual);
        self.prober.configure();
        self.board.observe();
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.board.name
    }

    // --- requests ---

    /// Returns where a request should go now, or `None` when it should be refused. Makes no I/O, and takes a lock only for
    /// a trial call.
    #[must_use]
    pub fn active(&self) -> Option<Active> {
        let permit = self.acquire();
        if permit.is_none() {
            drop(self.refuse());
        }
        permit.map(|permit| Active::new(&self.board.endpoints[permit.index], permit))
    }

    /// Records that the request succeeded.
    pub fn record_success(&self, active: &Active) {
        self.record(active, Outcome::Success);
    }

    /// Records that the request failed, by a fault of the endpoint.
    pub fn record_failure(&self, active: &Active) {
        self.record(active, Outcome::failure(FailureKind::Unknown));
    }

    /// Records the request's outcome. It is the caller's own word that the endpoint is to blame, so a failure counts as
    /// if another endpoint had answered the request. An outcome that comes after a switch changes nothing.
    pub fn record(&self, active: &Active, outcome: Outcome) {
        if let Some(permit) = active.permit() {
            evidence::record(&self.board, permit, outcome, Others::Good, &History::default());
        }
    }

    /// Chooses where one request goes.
    pub(crate) fn select(&self) -> Selection {
        self.prober.on_request();
        self.board.select()
    }

    /// Returns a permit for the first endpoint of the selection that grants one.
    pub(crate) fn acquire(&self) -> Option<EndpointPermit> {
        let endpoints = &self.board.endpoints;
        let unconditionally = |index: usize| endpoints[index].acquire_unconditionally(index);
        match self.select() {
            Selection::Any(index) | Selection::Only(index) => Some(unconditionally(index)),
            Selection::From(first) => order(first, endpoints.len())
                .find_map(|index| endpoints[index].acquire(index))
                .or_else(|| self.board.last_resort().map(unconditionally)),
            Selection::Refuse => None,
        }
    }

    /// Counts and returns the refusal of a request, with the time until the first endpoint may be usable again.
    #[cold]
    pub(crate) fn refuse(&self) -> Rejected {
        self.board.counters.add(REFUSED);
        // One clock read for all endpoints: a read costs as much as the rest of a refusal.
        let (endpoints, now) = (self.board.endpoints.iter(), Instant::now());
        let retry_after = endpoints.filter_map(|endpoint| endpoint.breaker.refusal_retry_after(now)).min();
        self.board.events.send(&self.board.name, || FailoverEvent::Refused { retry_after });
        Rejected::new(Reason::NoHealthyEndpoint, &self.board.name).with_retry_after(retry_after)
    }

    // --- reading ---

    /// Returns the last 64 changes, oldest first.
    #[must_use]
    pub fn transitions(&self) -> Vec<Transition> {
        self.board.lock().log.iter().cloned().collect()
    }

    /// Returns a receiver of the health: degraded on a backup, unhealthy when all endpoints are down. Its
    /// [`since`](mainstay_core::Status::since) changes with the level: a change from one backup to another keeps it, and is the
    /// start of [`for_time`](crate::FailoverSnapshot::for_time).
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.board.subscribe()
    }

    /// Subscribes to the events: each change of where traffic goes, and each refused request.
    ///
    /// ```
    /// use mainstay_failover::{Endpoint, FailoverEvent, FailoverHandle};
    ///
    /// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
    /// let replicas = FailoverHandle::new("replicas", [Endpoint::named("eu"), Endpoint::named("us")])?;
    /// let mut events = replicas.events();
    /// replicas.take_out("eu", "maintenance")?;
    /// let received = events.try_recv().expect("a change");
    /// assert!(matches!(received.event, FailoverEvent::Changed(change) if change.to == Some("us".into())));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events<FailoverEvent> {
        self.board.events.subscribe()
    }

    /// Returns a receiver of the state. It wakes at every change of any endpoint.
    #[must_use]
    pub fn watch(&self) -> StateReceiver<FailoverState> {
        self.board.watch()
    }

    /// Probes every endpoint now, with retries, and returns the report. The results count like those of the schedule.
    /// Calls at the same time share their rounds.
    pub async fn check_now(&self) -> CheckReport {
        self.prober.check().await
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> FailoverSettings {
        FailoverSettings::clone(&self.board.live.all())
    }
}
