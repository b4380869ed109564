//! What a reloader has done, for its handle.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mainstay_core::{Level, Status, StatusReceiver, StatusSender};
use tokio::time::Instant;

use crate::Error;

/// The counts and the last result of a [`Reloading`](crate::Reloading).
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ReloadSnapshot {
    /// How often settings were applied, the start included.
    pub applied: u64,
    /// How often a changed file was refused.
    pub refused: u64,
    /// Why the file is not in force; `None` while it is.
    pub error: Option<Error>,
    /// The time since the last result.
    #[serde(serialize_with = "mainstay_core::times::seconds")]
    pub age: Duration,
}

/// The results so far, written by the task and read by the handle.
#[derive(Debug)]
pub(crate) struct Results {
    state: Mutex<State>,
    status: StatusSender,
}

#[derive(Debug)]
struct State {
    applied: u64,
    refused: u64,
    error: Option<Error>,
    last: Instant,
}

// === impl Results ===

impl Results {
    /// Creates the results of a start that applied the settings.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State { applied: 1, refused: 0, error: None, last: Instant::now() }),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
        }
    }

    pub(crate) fn applied(&self) {
        let mut state = self.state();
        (state.applied, state.error, state.last) = (state.applied + 1, None, Instant::now());
        drop(state);
        self.status.publish(Level::Healthy, "");
    }

    pub(crate) fn refused(&self, error: &Error) {
        let mut state = self.state();
        (state.refused, state.error, state.last) = (state.refused + 1, Some(error.clone()), Instant::now());
        drop(state);
        self.status.publish(Level::Degraded, format!("settings not reloaded: {error}"));
    }

    pub(crate) fn snapshot(&self) -> ReloadSnapshot {
        let State { applied, refused, error, last } = &*self.state();
        ReloadSnapshot { applied: *applied, refused: *refused, error: error.clone(), age: last.elapsed() }
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
