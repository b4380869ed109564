//! How far the body of a request is: shared by all copies of the body and by the attempts that send it.

use std::{
    error::Error,
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst},
    },
    task::Context,
    time::Duration,
};

use axum::body::Body;
use futures_util::task::AtomicWaker;
use http::StatusCode;
use mainstay_core::{UploadClock, causes};
use mainstay_http::{
    body::{IdleTimeout, IdleTimeoutBody},
    proxy::ForwardedBody,
};

/// The body as the client sends it.
pub(crate) type ClientBody = IdleTimeoutBody<ForwardedBody<Body>>;

/// The state of an upload. `None` if there is no body to wait for.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    /// `None` once the request has ended. Apart from the copies of the body, because one of these may be held by a
    /// connection to a backend that takes nothing, and would then hold the client's connection, too.
    body: Mutex<Option<ClientBody>>,
    clock: UploadClock,
    /// Whether an attempt waits for the client.
    waiting: AtomicBool,
    failure: OnceLock<Failure>,
    /// Whether the client sends nothing before it gets `100 Continue`.
    held: AtomicBool,
    /// Whether the head of an answer has arrived.
    answered: AtomicBool,
    /// Whether the answer has been read to its end.
    answer_ended: AtomicBool,
    reader: AtomicWaker,
}

/// Whether the body may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Granted,
    /// The backend has not asked for it yet.
    Awaited,
    /// The backend has answered without it, and the answer is on its way.
    Answered,
    /// The backend has answered without it, and the answer has ended.
    Refused,
}

/// What a client did to its own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It sent nothing for too long.
    Paused,
    /// It sent what is no body, such as a chunk without a length, or only the beginning of one.
    Malformed,
    /// It reset the connection or the stream.
    Gone,
}

// === impl Progress ===

impl Progress {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(body: ForwardedBody<Body>, idle_timeout: Duration, is_held: bool) -> Self {
        Self(Some(Arc::new(State {
            body: Mutex::new(Some(IdleTimeoutBody::new(body, idle_timeout))),
            clock: UploadClock::new(idle_timeout),
            waiting: AtomicBool::default(),
            failure: OnceLock::new(),
            held: AtomicBool::new(is_held),
            answered: AtomicBool::default(),
            answer_ended: AtomicBool::default(),
            reader: AtomicWaker::new(),
        })))
    }

    /// Returns whether there is no body to wait for.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the clock, by which the timeouts run from the last byte.
    pub(crate) fn clock(&self) -> Option<&UploadClock> {
        self.0.as_ref().map(|state| &state.clock)
    }

    // The body, as it is read.

    /// Calls the function with the client's body. `None` if there is no body, or the request has ended.
    pub(crate) fn with_body<T>(&self, read: impl FnOnce(&mut ClientBody) -> T) -> Option<T> {
        self.0.as_ref()?.body.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(read)
    }

    /// Drops the client's body, so that its connection can end although a backend has not taken it.
    pub(crate) fn release(&self) {
        if let Some(state) = &self.0 {
            drop(state.body.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    pub(crate) fn record_piece(&self) {
        if let Some(state) = &self.0 {
            state.waiting.store(false, Relaxed);
            state.clock.record_piece();
        }
    }

    pub(crate) fn record_wait(&self) {
        if let Some(state) = &self.0 {
            state.waiting.store(true, Relaxed);
            state.clock.record_wait();
        }
    }

    pub(crate) fn record_failure(&self, error: &(dyn Error + Send + Sync + 'static)) {
        self.record_piece();
        if let Some(state) = &self.0 {
            let _ = state.failure.set(Failure::of(error));
        }
    }

    /// Whether an attempt waits for the client.
    pub(crate) fn is_waiting(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.waiting.load(Relaxed))
    }

    /// Whether the answer has begun and has not ended.
    pub(crate) fn is_exchange(&self) -> bool {
        self.0.as_ref().is_some_and(|state| {
            if !state.answered.load(SeqCst) {
                return false;
            }
            !state.answer_ended.load(SeqCst)
        })
    }

    /// Returns what the client did to its request, if the body failed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.0.as_ref()?.failure.get().copied()
    }

    // `Expect: 100-continue`.

    /// Lets the body be read.
    pub(crate) fn grant(&self) {
        if let Some(state) = &self.0 {
            state.held.store(false, SeqCst);
            state.reader.wake();
        }
    }

    /// Returns whether the body may be read. The task is woken when that changes, and when the answer ends.
    pub(crate) fn permission(&self, cx: &Context<'_>) -> Permission {
        let Some(state) = &self.0 else { return Permission::Granted };
        // Registered before the state is read, so that no change is lost.
        state.reader.register(cx.waker());
        match (state.held.load(SeqCst), state.answered.load(SeqCst), state.answer_ended.load(SeqCst)) {
            (false, ..) => Permission::Granted,
            (true, _, true) => Permission::Refused,
            (true, true, false) => Permission::Answered,
            (true, false, false) => Permission::Awaited,
        }
    }

    // The attempts.

    /// Records the end of an attempt, so that the next one may read the body.
    pub(crate) fn record_attempt(&self, is_answered: bool) {
        if let Some(state) = &self.0 {
            state.waiting.store(false, Relaxed);
            state.answered.store(is_answered, SeqCst);
        }
    }

    /// Records that the answer has been read to its end, or dropped.
    pub(crate) fn record_answer_end(&self) {
        if let Some(state) = &self.0 {
            state.answer_ended.store(true, SeqCst);
            state.reader.wake();
        }
    }
}

// === impl Failure ===

impl Failure {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let cause = causes(error).find_map(|cause| {
            if cause.is::<IdleTimeout>() {
                return Some(Self::Paused);
            }
            // hyper reports a body that it cannot decode by these kinds, and a connection that ended by others.
            match cause.downcast_ref::<io::Error>()?.kind() {
                // A client that has ended its side may still read (RFC 9112, 8).
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    Some(Self::Malformed)
                }
                _ => Some(Self::Gone),
            }
        });
        cause.unwrap_or(Self::Gone)
    }

    /// Returns the status of the answer. 499 is nginx's, for a client that does not read the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Paused => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Gone => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        }
    }
}
