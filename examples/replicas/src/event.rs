//! What the timeline is made of.

use std::time::Duration;

use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use crate::plan::Fault;

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// The primary has been told so.
    Fault(Fault),
    /// A client of this replica got an answer, or none.
    Answer { replica: usize, answer: Answer },
    /// A replica has changed its route.
    Route { replica: usize, route: Route },
    /// A replica that is not on its primary is nearer to its return, or farther from it.
    Gate { replica: usize, have: u32, need: u32, hold_left: Option<Duration> },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Primary,
    Backup,
    /// An error, in words.
    Failure {
        /// The request may be sent twice, so somebody else could have answered.
        avoidable: bool,
        error: String,
    },
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) on_primary: bool,
    /// How many changes there have been so far.
    pub(crate) changes: u64,
    pub(crate) reason: String,
    pub(crate) hold: Option<Duration>,
}

/// Takes events from everywhere. That nobody wants them any more is the end of the run.
#[derive(Clone, Debug)]
pub(crate) struct Events(pub(crate) UnboundedSender<Event>);

// === impl Events ===

impl Events {
    pub(crate) fn now(&self, what: What) {
        self.at(Instant::now(), what);
    }

    pub(crate) fn at(&self, at: Instant, what: What) {
        let _ = self.0.send(Event { at, what });
    }
}
