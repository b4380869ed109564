//! Counts of requests, for a server and for each of its connections.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use mainstay_core::Counters;

use crate::report::RequestCounts;

const ACCEPTED: usize = 0;
const COMPLETED: usize = 1;
const CANCELLED: usize = 2;
const REFUSED: usize = 3;
/// Counted as completed, but the response was aborted in the write buffer.
const UNSENT: usize = 4;

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct RequestCounters(Counters<5>);

/// The requests of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    counters: Arc<RequestCounters>,
    requests: AtomicUsize,
    in_flight: AtomicUsize,
    http2: AtomicBool,
    /// Whether a write waits for a client that is slow to read.
    write_blocked: AtomicBool,
    refusing: AtomicBool,
    aborted: AtomicBool,
}

/// Counts one request, from its head to the last byte of its response body.
#[derive(Debug)]
pub(crate) struct InFlightGuard {
    connection: Arc<ConnectionState>,
    completed: bool,
}

// === impl RequestCounters ===

impl RequestCounters {
    pub(crate) fn new() -> Self {
        Self(Counters::per_thread())
    }

    pub(crate) fn read(&self, aborted: u64) -> RequestCounts {
        let [accepted, completed, cancelled, refused, unsent] = self.0.read();
        RequestCounts { accepted, completed: completed - unsent, cancelled, aborted, refused }
    }
}

// === impl ConnectionState ===

impl ConnectionState {
    pub(crate) fn new(counters: Arc<RequestCounters>) -> Self {
        Self {
            counters,
            requests: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            http2: AtomicBool::new(false),
            write_blocked: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
        }
    }

    /// Counts a request whose head has arrived. `None` if it must be refused.
    pub(crate) fn begin(self: &Arc<Self>, http2: bool) -> Option<InFlightGuard> {
        self.requests.fetch_add(1, Relaxed);
        self.http2.store(http2, Relaxed);
        if self.refusing.load(Relaxed) {
            self.counters.0.add(REFUSED);
            return None;
        }
        self.counters.0.add(ACCEPTED);
        self.in_flight.fetch_add(1, Relaxed);
        Some(InFlightGuard { connection: Arc::clone(self), completed: false })
    }

    /// Returns whether no request has arrived yet.
    pub(crate) fn is_new(&self) -> bool {
        self.requests.load(Relaxed) == 0
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    /// Returns whether the connection can be closed without loss: no request is in flight and no response waits to be
    /// written.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && !self.write_blocked.load(Relaxed)
    }

    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        self.write_blocked.store(blocked, Relaxed);
    }

    /// Refuses all further requests.
    pub(crate) fn refuse(&self) {
        self.refusing.store(true, Relaxed);
    }

    /// Returns the number of requests that are lost when the connection is dropped now. Their guards then count nothing.
    pub(crate) fn abort(&self) -> u64 {
        self.aborted.store(true, Relaxed);
        match self.in_flight.load(Relaxed) {
            // The response is complete, but not written.
            0 if self.write_blocked.load(Relaxed) => {
                self.counters.0.add(UNSENT);
                1
            }
            in_flight => in_flight as u64,
        }
    }
}

// === impl InFlightGuard ===

impl InFlightGuard {
    /// Records that the response is complete.
    pub(crate) fn complete(&mut self) {
        self.completed = true;
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let ConnectionState { counters, in_flight, aborted, .. } = &*self.connection;
        in_flight.fetch_sub(1, Relaxed);
        if self.completed {
            counters.0.add(COMPLETED);
        } else if !aborted.load(Relaxed) {
            counters.0.add(CANCELLED);
        }
    }
}
