//! What a failover did during a run: each change of its route, and each endpoint that it left.

use std::sync::{Arc, Mutex, PoisonError};

use mainstay_circuit_breaker::State;
use mainstay_failover::{FailoverHandle, FailoverState};
use tokio::time::Instant;

use crate::arrivals::Ms;

/// The state of a failover from one time on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: Ms,
    state: FailoverState,
    active: Option<usize>,
    /// Whether each endpoint is usable.
    usable: Vec<bool>,
}

/// The changes of a failover, in order.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<Mutex<Vec<Seen>>>);

// === impl Watched ===

impl Watched {
    /// Watches a failover in a task, until the simulation ends.
    #[must_use]
    pub fn start(handle: &FailoverHandle) -> Self {
        let (watched, begun, handle) = (Self::default(), Instant::now(), handle.clone());
        let seen = watched.clone();
        tokio::spawn(async move {
            let mut changes = handle.watch();
            loop {
                seen.see(&handle, begun);
                if changes.changed().await.is_none() {
                    break;
                }
            }
        });
        watched
    }

    fn see(&self, handle: &FailoverHandle, begun: Instant) {
        let snapshot = handle.snapshot();
        let endpoints = || snapshot.endpoints.iter();
        let seen = Seen {
            at: begun.elapsed().as_millis() as Ms,
            state: snapshot.state,
            active: endpoints().position(|endpoint| endpoint.active),
            usable: endpoints().map(|endpoint| endpoint.breaker.state == State::Closed).collect(),
        };
        self.all().push(seen);
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when each endpoint was left.
    #[must_use]
    pub fn departures(&self) -> Vec<(Ms, usize)> {
        let seen = self.all();
        let pairs = seen.iter().zip(seen.iter().skip(1));
        let left = pairs.flat_map(|(before, after)| {
            let endpoints = before.usable.iter().zip(&after.usable).enumerate();
            endpoints.filter(|(_, (before, after))| **before && !**after).map(|(index, _)| (after.at, index))
        });
        left.collect()
    }

    /// Returns how often the endpoint in use changed between these times.
    #[must_use]
    pub fn route_changes(&self, from: Ms, until: Ms) -> usize {
        let seen = self.all();
        let pairs = seen.iter().zip(seen.iter().skip(1));
        pairs.filter(|(before, after)| (from..until).contains(&after.at) && before.active != after.active).count()
    }

    /// Returns the first time from `from` on at which this endpoint is usable and in use.
    #[must_use]
    pub fn in_use_from(&self, index: usize, from: Ms) -> Option<Ms> {
        let seen = self.all();
        let is_in_use = |seen: &&Seen| seen.active == Some(index) && seen.usable[index];
        let before = seen.iter().rfind(|seen| seen.at <= from).filter(is_in_use).map(|_| from);
        before.or_else(|| seen.iter().find(|seen| seen.at > from && is_in_use(seen)).map(|seen| seen.at))
    }

    /// Returns the milliseconds in which no endpoint was usable.
    #[must_use]
    pub fn all_down(&self, end: Ms) -> Ms {
        let seen = self.all();
        let ends = seen.iter().skip(1).map(|next| next.at).chain([end]);
        let down = seen.iter().zip(ends).filter(|(seen, _)| seen.state == FailoverState::AllDown);
        down.map(|(seen, end)| end.saturating_sub(seen.at)).sum()
    }
}
