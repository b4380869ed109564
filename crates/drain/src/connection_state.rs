//! What one connection does: recorded by its stream and its requests, read by the task that drives it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use crate::{
    pause::Wait,
    request_counters::{ACCEPTED, CANCELLED, COMPLETED, REFUSED, RequestCounters, UNSENT},
    send_progress::SendProgress,
};

/// Set in `in_flight` once the connection was aborted.
const ABORTED: usize = 1 << (usize::BITS - 1);

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    counters: Arc<RequestCounters>,
    http2: AtomicBool,
    /// Requests whose heads have arrived.
    requests: AtomicUsize,
    /// Requests in flight, and [`ABORTED`]: one word, so that each request is counted by its guard or by the abort.
    in_flight: AtomicUsize,
    /// Bodies of requests that have not ended.
    open_bodies: AtomicUsize,
    /// Whether a body was dropped before its end, so that the client may still send the rest.
    unread: AtomicBool,
    /// Whether bytes of a further head have arrived.
    head_begun: AtomicBool,
    /// Whether a write waits for a client that is slow to read.
    write_blocked: AtomicBool,
    /// How often a blocked write has continued.
    unblocked: AtomicUsize,
    lingering: AtomicBool,
    refusing: AtomicBool,
    /// The HTTP/2 stream that hyper is about to spawn.
    next_stream: Mutex<Option<Arc<SendProgress>>>,
}

/// Counts one request, from its head to the last byte of its response body.
#[derive(Debug)]
pub(crate) struct InFlightGuard {
    connection: Arc<ConnectionState>,
    stream: Option<Arc<SendProgress>>,
    completed: bool,
}

/// An open body of a request. Dropped without [`end`](Self::end), it leaves the body unread.
#[derive(Debug)]
pub(crate) struct OpenBody {
    connection: Arc<ConnectionState>,
    ended: bool,
}

// === impl ConnectionState ===

impl ConnectionState {
    pub(crate) fn new(counters: Arc<RequestCounters>) -> Self {
        Self {
            counters,
            http2: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            open_bodies: AtomicUsize::new(0),
            unread: AtomicBool::new(false),
            head_begun: AtomicBool::new(false),
            write_blocked: AtomicBool::new(false),
            unblocked: AtomicUsize::new(0),
            lingering: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            next_stream: Mutex::new(None),
        }
    }

    /// Counts a request whose head has arrived. `None` if it must be refused.
    pub(crate) fn begin(self: &Arc<Self>, http2: bool) -> Option<InFlightGuard> {
        self.requests.fetch_add(1, Relaxed);
        self.head_begun.store(false, Relaxed);
        self.unread.store(false, Relaxed);
        let stream = http2.then(|| {
            self.set_http2();
            let stream = Arc::<SendProgress>::default();
            *self.next_stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stream));
            stream
        });
        if self.refusing.load(Relaxed) {
            self.counters.add(REFUSED);
            return None;
        }
        self.counters.add(ACCEPTED);
        self.in_flight.fetch_add(1, Relaxed);
        Some(InFlightGuard { connection: Arc::clone(self), stream, completed: false })
    }

    /// Counts the body of a request.
    pub(crate) fn open_body(self: &Arc<Self>) -> OpenBody {
        self.open_bodies.fetch_add(1, Relaxed);
        OpenBody { connection: Arc::clone(self), ended: false }
    }

    /// Returns the stream of the request that has just begun.
    pub(crate) fn take_stream(&self) -> Option<Arc<SendProgress>> {
        self.next_stream.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns what the connection waits for.
    pub(crate) fn wait(&self) -> Wait {
        if self.write_blocked.load(Relaxed) {
            return Wait::Write(self.unblocked.load(Relaxed));
        }
        if self.is_busy() || self.lingering.load(Relaxed) {
            return Wait::Application;
        }
        let requests = self.requests.load(Relaxed);
        // Frames of HTTP/2 belong to the connection as a whole: they begin no head.
        let in_head = !self.is_http2() && (requests == 0 || self.head_begun.load(Relaxed));
        if in_head { Wait::Head(requests) } else { Wait::NextRequest(requests) }
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Relaxed) > 0 || self.open_bodies.load(Relaxed) > 0
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    pub(crate) fn set_http2(&self) {
        self.http2.store(true, Relaxed);
    }

    /// Records that bytes have arrived.
    pub(crate) fn set_received(&self) {
        if !self.is_busy() {
            self.head_begun.store(true, Relaxed);
        }
    }

    /// Records whether a write waits for the client.
    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        if self.write_blocked.load(Relaxed) && !blocked {
            self.unblocked.fetch_add(1, Relaxed);
        }
        self.write_blocked.store(blocked, Relaxed);
    }

    /// Returns how often a write that waited for the client has continued, and whether one waits now.
    pub(crate) fn write_waits(&self) -> (usize, bool) {
        (self.unblocked.load(Relaxed), self.write_blocked.load(Relaxed))
    }

    /// Returns whether the client may still send bytes of a request that was answered.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed) || self.head_begun.load(Relaxed)
    }

    pub(crate) fn set_lingering(&self, lingering: bool) {
        self.lingering.store(lingering, Relaxed);
    }

    /// Returns whether the connection can be closed without loss: no request is in flight and no response waits to be
    /// written or read.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && !self.write_blocked.load(Relaxed) && !self.lingering.load(Relaxed)
    }

    /// Refuses all further requests.
    pub(crate) fn refuse(&self) {
        self.refusing.store(true, Relaxed);
    }

    /// Counts the response that is lost because the client takes no byte of it. If a request is in flight, its guard counts
    /// it.
    pub(crate) fn give_up_write(&self) {
        if self.in_flight.load(Relaxed) == 0 {
            self.counters.add(UNSENT);
            self.counters.add(CANCELLED);
        }
    }

    /// Returns the number of requests that are lost when the connection is dropped now. Their guards then count nothing,
    /// also those of HTTP/2 streams, whose tasks may outlive the connection.
    pub(crate) fn abort(&self) -> u64 {
        match self.in_flight.fetch_or(ABORTED, Relaxed) & !ABORTED {
            // The response is complete, but not written.
            0 if self.write_blocked.load(Relaxed) => {
                self.counters.add(UNSENT);
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

    /// Returns whether the body of the request was not read to its end. For HTTP/1, which has one request at a time.
    pub(crate) fn has_unread_body(&self) -> bool {
        self.connection.open_bodies.load(Relaxed) > 0 || self.connection.unread.load(Relaxed)
    }

    /// Returns the HTTP/2 stream of the request.
    pub(crate) fn stream(&self) -> Option<&SendProgress> {
        self.stream.as_deref()
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let ConnectionState { counters, in_flight, .. } = &*self.connection;
        if in_flight.fetch_sub(1, Relaxed) & ABORTED == 0 {
            counters.add(if self.completed { COMPLETED } else { CANCELLED });
        }
    }
}

// === impl OpenBody ===

impl OpenBody {
    /// Records that the whole body was read.
    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.connection.open_bodies.fetch_sub(1, Relaxed);
        if !self.ended {
            self.connection.unread.store(true, Relaxed);
        }
    }
}
