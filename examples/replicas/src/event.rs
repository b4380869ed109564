//! The events of the timeline.

use std::time::Duration;

use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use crate::plan::Fault;

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) kind: EventKind,
}

#[derive(Debug)]
pub(crate) enum EventKind {
    /// The primary has this fault now.
    Fault(Fault),
    /// A client of this replica got an answer or an error.
    Answer { replica: usize, answer: Answer },
    /// A replica has changed its route.
    Route { replica: usize, route: Route },
    /// The number of good probes in a row, or the hold, of a replica on the backup has changed.
    Recovery { replica: usize, have: u32, need: u32, hold_left: Option<Duration> },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Primary,
    Backup,
    /// An error, as text.
    Failure {
        /// The request may be repeated, so the backup could have answered.
        avoidable: bool,
        error: String,
    },
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) on_primary: bool,
    /// The number of changes so far.
    pub(crate) changes: u64,
    pub(crate) reason: String,
    pub(crate) hold: Option<Duration>,
}

/// Sends events to the timeline. Events after the end of the run are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Events(pub(crate) UnboundedSender<Event>);

// === impl Events ===

impl Events {
    pub(crate) fn now(&self, kind: EventKind) {
        self.at(Instant::now(), kind);
    }

    pub(crate) fn at(&self, at: Instant, kind: EventKind) {
        let _ = self.0.send(Event { at, kind });
    }
}
