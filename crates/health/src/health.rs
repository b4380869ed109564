//! The registry: what is known of every check, and what follows for the process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use mainstay_core::{Name, Random};
use mainstay_drain::Drain;
use tokio::{runtime::Handle, sync::watch, task::AbortHandle, time::Instant};

#[cfg(feature = "axum")]
use crate::Hop;
use crate::{
    HealthBuilder, Snapshot,
    builder::{Entry, Source},
    record::{FRESH_INTERVALS, Record, Rule},
    refresh::refresh,
    view::{Scope, View},
};

/// The health of this process: checks that run in the background, and what they found.
///
/// A value, not a global: a test has as many as it likes. Clones are cheap and share everything.
///
/// ```
/// use mainstay_health::{Check, Health, Verdict};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_health::InvalidSetting> {
/// let health = Health::builder()
///     .check(Check::new("database", || async { Verdict::healthy() }).critical())
///     .check(Check::new("search", || async { Err::<(), _>("connection refused") }))
///     .build()?;
/// health.until_ready().await;
/// assert!(health.snapshot().not_ready.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
    _refresher: Arc<Refresher>,
}

pub(crate) struct Shared {
    /// Name, and whether critical.
    pub(crate) meta: Vec<(Name, bool)>,
    groups: BTreeMap<Name, Vec<usize>>,
    pub(crate) records: watch::Sender<Vec<Record>>,
    drain: Option<Drain>,
    dead: AtomicBool,
    #[cfg(feature = "axum")]
    details: bool,
    #[cfg(feature = "axum")]
    hop: Option<Hop>,
}

/// What the builder has checked.
pub(crate) struct Parts {
    pub(crate) entries: Vec<Entry>,
    pub(crate) groups: BTreeMap<Name, Vec<usize>>,
    pub(crate) drain: Option<Drain>,
    #[cfg(feature = "axum")]
    pub(crate) details: bool,
    #[cfg(feature = "axum")]
    pub(crate) hop: Option<Hop>,
    pub(crate) random: Random,
}

/// Stops the background runs with the last `Health`.
struct Refresher(AbortHandle);

// === impl Health ===

impl Health {
    /// Starts with no check.
    #[must_use]
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    pub(crate) fn start(parts: Parts, runtime: &Handle) -> Self {
        let Parts { entries, groups, drain, random, .. } = parts;
        let now = Instant::now();
        let shared = Arc::new(Shared {
            meta: entries.iter().map(|entry| (entry.name.clone(), entry.critical)).collect(),
            groups,
            records: watch::Sender::new(entries.iter().map(|entry| Record::new(rule(entry), now)).collect()),
            drain,
            dead: AtomicBool::new(false),
            #[cfg(feature = "axum")]
            details: parts.details,
            #[cfg(feature = "axum")]
            hop: parts.hop,
        });
        let refresher = runtime.spawn(refresh(Arc::clone(&shared), entries, random));
        Self { shared, _refresher: Arc::new(Refresher(refresher.abort_handle())) }
    }

    /// Everything that is known now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view(Scope::All).snapshot()
    }

    /// What is known now of one group; `None` if there is no such group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Snapshot> {
        self.scope(name).map(|scope| self.view(scope).snapshot())
    }

    /// Whether every critical check has passed once. Once true, true for ever.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.view(Scope::All).is_started()
    }

    /// Whether traffic may come: started, not draining, every critical check healthy or degraded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.view(Scope::All).not_ready().is_none()
    }

    /// Whether the drain that this registry watches has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }

    /// `false` once [`declare_dead`](Self::declare_dead) was called.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.shared.is_alive()
    }

    /// Declares that only a restart can help (a corrupt state, a worker that is gone): `/live` answers 503 from now
    /// on, for ever, and the orchestrator kills the process. Never for a dependency's failure: a restart does not
    /// mend a database, and restarts every replica.
    pub fn declare_dead(&self, reason: &str) {
        if !self.shared.dead.swap(true, Relaxed) {
            tracing::error!(reason, "beyond recovery: liveness fails from now on");
        }
    }

    /// Waits until the process is ready for the first time.
    pub async fn until_ready(&self) {
        let mut changes = self.changes();
        // A closed channel cannot be: `self` holds the sender.
        while !self.is_ready() && changes.changed().await.is_ok() {}
    }

    pub(crate) fn scope(&self, group: &str) -> Option<Scope<'_>> {
        self.shared.groups.get(group).map(|members| Scope::Members(members))
    }

    pub(crate) fn view<'a>(&'a self, scope: Scope<'a>) -> View<'a> {
        View::new(&self.shared, scope)
    }

    #[cfg(feature = "axum")]
    pub(crate) fn details(&self) -> bool {
        self.shared.details
    }

    #[cfg(feature = "axum")]
    pub(crate) fn hop(&self) -> Option<&Hop> {
        self.shared.hop.as_ref()
    }

    #[cfg(feature = "tonic")]
    pub(crate) fn drain(&self) -> Option<&Drain> {
        self.shared.drain.as_ref()
    }

    #[cfg(all(test, feature = "axum"))]
    pub(crate) fn update(&self, index: usize, change: impl FnOnce(&mut Record)) {
        self.shared.update(index, change);
    }

    /// Wakes on every result.
    pub(crate) fn changes(&self) -> watch::Receiver<Vec<Record>> {
        self.shared.records.subscribe()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.snapshot()).finish()
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.drain.as_ref().is_some_and(Drain::is_draining)
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.dead.load(Relaxed)
    }

    pub(crate) fn name(&self, index: usize) -> &Name {
        &self.meta[index].0
    }

    /// Changes a record under the lock. What came of it is logged outside, where a subscriber may read the snapshot.
    pub(crate) fn update<T: Default>(&self, index: usize, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut given = T::default();
        self.records.send_modify(|records| given = change(&mut records[index]));
        given
    }
}

// === impl Refresher ===

impl Drop for Refresher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn rule(entry: &Entry) -> Rule {
    match &entry.source {
        Source::Check { settings, .. } => {
            Rule { fall: settings.fall, rise: settings.rise, fresh_for: Some(settings.interval * FRESH_INTERVALS) }
        }
        Source::Component(_) => Rule { fall: 1, rise: 1, fresh_for: None },
    }
}
