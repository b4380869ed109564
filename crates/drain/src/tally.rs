//! What becomes of requests, per connection and in sum.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use mainstay_core::Counters;

use crate::report::Served;

const ACCEPTED: usize = 0;
const COMPLETED: usize = 1;
const CANCELLED: usize = 2;
const REFUSED: usize = 3;
const LOST: usize = 4;

/// The sums of one server.
#[derive(Debug)]
pub(crate) struct Tally(Counters<5>);

/// What goes on in one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    tally: Arc<Tally>,
    requests: AtomicUsize,
    active: AtomicUsize,
    http2: AtomicBool,
    /// Bytes wait for a client that is slow to read.
    blocked: AtomicBool,
    refusing: AtomicBool,
    cut: AtomicBool,
}

/// One request, from its head to the last byte of its answer's body.
#[derive(Debug)]
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    completed: bool,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new() -> Self {
        Self(Counters::per_thread())
    }

    pub(crate) fn served(&self, aborted: u64) -> Served {
        let [accepted, completed, cancelled, refused, lost] = self.0.read();
        Served { accepted, completed: completed - lost, cancelled, aborted, refused }
    }
}

// === impl Activity ===

impl Activity {
    pub(crate) fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            requests: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            http2: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            cut: AtomicBool::new(false),
        }
    }

    /// A request's head has come. `None`: too late.
    pub(crate) fn begin(self: &Arc<Self>, http2: bool) -> Option<InFlight> {
        self.requests.fetch_add(1, Relaxed);
        self.http2.store(http2, Relaxed);
        if self.refusing.load(Relaxed) {
            self.tally.0.add(REFUSED);
            return None;
        }
        self.tally.0.add(ACCEPTED);
        self.active.fetch_add(1, Relaxed);
        Some(InFlight { activity: Arc::clone(self), completed: false })
    }

    /// Whether no request has come yet.
    pub(crate) fn is_new(&self) -> bool {
        self.requests.load(Relaxed) == 0
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    /// Whether it can be closed without loss: no request is in flight and no answer waits to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.load(Relaxed) == 0 && !self.blocked.load(Relaxed)
    }

    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Relaxed);
    }

    /// Requests that come from now on are refused.
    pub(crate) fn refuse(&self) {
        self.refusing.store(true, Relaxed);
    }

    /// Says what is lost if the connection is dropped now, and counts no more of it.
    pub(crate) fn cut(&self) -> u64 {
        self.cut.store(true, Relaxed);
        match self.active.load(Relaxed) {
            // Its answer was complete, but has not left.
            0 if self.blocked.load(Relaxed) => {
                self.tally.0.add(LOST);
                1
            }
            active => active as u64,
        }
    }
}

// === impl InFlight ===

impl InFlight {
    /// The answer is complete.
    pub(crate) fn complete(&mut self) {
        self.completed = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Activity { tally, active, cut, .. } = &*self.activity;
        active.fetch_sub(1, Relaxed);
        if self.completed {
            tally.0.add(COMPLETED);
        } else if !cut.load(Relaxed) {
            tally.0.add(CANCELLED);
        }
    }
}
