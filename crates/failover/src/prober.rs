//! The prober: the background tasks that probe the endpoints, and the rounds that requests and checks start.
//!
//! The handle owns the prober, and the prober the tasks: they end when the last handle is dropped.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use mainstay_core::Name;
use tokio::{runtime::Handle, task::JoinSet, time::Instant};

use crate::{
    control::Flag,
    endpoint::EndpointInfo,
    probe::{Driven, ProbeReport},
    report::{CheckReport, EndpointReport},
    switchboard::Switchboard,
};

mod endpoint_prober;
mod schedule;

pub(crate) use endpoint_prober::EndpointProber;
use endpoint_prober::no_probe;
use schedule::{answer_asks, due_after, run};

pub(crate) struct Prober {
    board: Arc<Switchboard>,
    /// One for each endpoint, `None` without a probe.
    pub(crate) endpoints: Box<[Option<Arc<EndpointProber>>]>,
    /// The background tasks, and the rounds that requests started. Dropping the set ends them.
    pub(crate) tasks: Mutex<JoinSet<()>>,
    /// The number of the tasks' newest start. A task of an older one was ended on purpose.
    start: Arc<AtomicU64>,
}

/// Part of each background task. When a task ends with its runtime, the next request in another runtime starts them again.
struct Restart {
    board: Arc<Switchboard>,
    endpoint: Arc<EndpointProber>,
    newest: Arc<AtomicU64>,
    own: u64,
}

// === impl Prober ===

impl Prober {
    pub(crate) fn new(board: &Arc<Switchboard>, infos: Vec<EndpointInfo>) -> Self {
        let endpoint = |(index, info): (usize, EndpointInfo)| {
            Some(Arc::new(EndpointProber::new(board.clone(), index, info.probe?)))
        };
        let endpoints = infos.into_iter().enumerate().map(endpoint).collect();
        Self { board: board.clone(), endpoints, tasks: Mutex::default(), start: Arc::default() }
    }

    fn probed(&self) -> impl Iterator<Item = &Arc<EndpointProber>> {
        self.endpoints.iter().flatten()
    }

    /// Sets the flags that tell requests what to do for the prober, and starts the background tasks that the settings
    /// ask for.
    pub(crate) fn configure(&self) {
        let (driven, control) = (self.board.live.all().probe.driven, &self.board.control);
        let is_probed = self.probed().next().is_some();
        control.set(Flag::ProbeOnTraffic, is_probed && driven == Driven::Traffic);
        let is_idle = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        control.set(Flag::ProberNotStarted, is_probed && is_idle && driven != Driven::Manual);
        self.start();
    }

    /// Starts the background tasks, if they are wanted and not started yet, and there is a runtime.
    fn start(&self) {
        let control = &self.board.control;
        let Ok(runtime) = Handle::try_current() else { return };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !control.load().has(Flag::ProberNotStarted) {
            return;
        }
        control.set(Flag::ProberNotStarted, false);
        let own = self.start.fetch_add(1, SeqCst) + 1;
        *tasks = JoinSet::new();
        let probe = self.board.live.all().probe.clone();
        for endpoint in self.probed() {
            let restart =
                || Restart { board: self.board.clone(), endpoint: endpoint.clone(), newest: self.start.clone(), own };
            let (asks, asked) = (restart(), endpoint.clone());
            tasks.spawn_on(
                async move {
                    let _restart = asks;
                    answer_asks(asked).await;
                },
                &runtime,
            );
            if probe.driven == Driven::Background {
                // Anywhere in the first interval, so that instances that start together do not probe together.
                let due = Instant::now() + probe.interval.mul_f64(endpoint.random.unit());
                endpoint.set_due(due);
                let (rounds, probed) = (restart(), endpoint.clone());
                tasks.spawn_on(
                    async move {
                        let _restart = rounds;
                        run(probed, due).await;
                    },
                    &runtime,
                );
            }
        }
    }

    /// Ends all tasks.
    pub(crate) fn stop(&self) {
        self.start.fetch_add(1, SeqCst);
        *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) = JoinSet::new();
    }

    /// Starts what the control word asks of requests: the background tasks, or the rounds that are due. Waits for none.
    pub(crate) fn on_request(&self) {
        let control = self.board.control.load();
        if control.has(Flag::ProberNotStarted) {
            self.start();
        }
        if !control.has(Flag::ProbeOnTraffic) {
            return;
        }
        let (Ok(runtime), now) = (Handle::try_current(), Instant::now()) else { return };
        for endpoint in self.probed().filter(|endpoint| endpoint.claim_due_round(now, || due_after(endpoint, now))) {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            let endpoint = endpoint.clone();
            tasks.spawn_on(async move { drop(endpoint.round().await) }, &runtime);
        }
    }

    /// Probes every endpoint, with retries. The results count like those of the schedule.
    pub(crate) async fn check(&self) -> CheckReport {
        let rounds = self.endpoints.iter().map(async |endpoint| match endpoint {
            Some(endpoint) => endpoint.round().await,
            None => no_probe(),
        });
        let reports = futures_util::future::join_all(rounds).await;
        let named = self.board.endpoints.iter().map(|endpoint| endpoint.name.clone()).zip(reports);
        let report =
            |(name, report): (Name, ProbeReport)| EndpointReport { name, healthy: report.is_healthy(), report };
        let active = self.board.route().index.map(|index| self.board.endpoints[index].name.clone());
        CheckReport { name: self.board.name.clone(), endpoints: named.map(report).collect(), active }
    }
}

// === impl Restart ===

impl Drop for Restart {
    fn drop(&mut self) {
        if self.newest.load(SeqCst) == self.own {
            self.endpoint.clear_due();
            self.board.control.set(Flag::ProberNotStarted, true);
        }
    }
}
