//! The state of all checks, shared by the tasks that run them and the handles that read it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use mainstay_core::Name;
use mainstay_drain::{Drain, Phase};
use tokio::{sync::watch, time::Instant};

#[cfg(feature = "axum")]
use crate::probe_loop_guard::ProbeLoopGuard;
use crate::{check_state::CheckState, registration::Registration};

pub(crate) struct Registry {
    /// The name of each check, and whether it is critical.
    pub(crate) checks: Vec<(Name, bool)>,
    /// The state of each check, in the same order.
    pub(crate) states: watch::Sender<Vec<CheckState>>,
    /// Indices of the members of each group.
    pub(crate) groups: BTreeMap<Name, Vec<usize>>,
    pub(crate) drain: Option<Drain>,
    /// Whether the drain had begun before the registry was built: the process was never ready.
    pub(crate) began_draining_before: bool,
    dead: AtomicBool,
    #[cfg(feature = "axum")]
    pub(crate) endpoints: EndpointOptions,
}

/// Options of the HTTP endpoints.
#[cfg(feature = "axum")]
#[derive(Debug, Default)]
pub(crate) struct EndpointOptions {
    pub(crate) show_details: bool,
    pub(crate) probe_loop_guard: Option<ProbeLoopGuard>,
}

// === impl Registry ===

impl Registry {
    pub(crate) fn new(
        registrations: &[Registration],
        groups: BTreeMap<Name, Vec<usize>>,
        drain: Option<Drain>,
        #[cfg(feature = "axum")] endpoints: EndpointOptions,
    ) -> Self {
        let now = Instant::now();
        let states = registrations.iter().map(|check| CheckState::new(check.thresholds(), now)).collect();
        Self {
            checks: registrations.iter().map(|check| (check.name.clone(), check.critical)).collect(),
            states: watch::Sender::new(states),
            groups,
            began_draining_before: drain.as_ref().is_some_and(Drain::is_draining),
            drain,
            dead: AtomicBool::new(false),
            #[cfg(feature = "axum")]
            endpoints,
        }
    }

    pub(crate) fn name(&self, index: usize) -> &Name {
        &self.checks[index].0
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.as_ref().is_some_and(Drain::is_draining)
    }

    /// Waits until the drain has reached this phase; without a drain, for ever.
    pub(crate) async fn drain_reached(&self, phase: Phase) {
        match &self.drain {
            Some(drain) => drain.reached(phase).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.dead.load(Relaxed)
    }

    /// Returns whether this call changed the state.
    pub(crate) fn declare_dead(&self) -> bool {
        !self.dead.swap(true, Relaxed)
    }

    /// Changes the state of one check under the lock. Callers log the result afterwards, because a subscriber of the log
    /// may read a snapshot.
    pub(crate) fn update<T: Default>(&self, index: usize, change: impl FnOnce(&mut CheckState) -> T) -> T {
        let mut result = T::default();
        self.states.send_modify(|states| result = change(&mut states[index]));
        result
    }
}
