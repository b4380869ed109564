//! The body of a request, which a client may send slowly.
//!
//! The body streams to the backend and can be replayed up to a limit, by [`Replayable`]. This file adds the distinction
//! between a slow client and a slow backend. While the gateway waits for the client, no second attempt takes the body
//! from the first. If the time runs out, the client gets 408 and no failure is recorded for the backend. Otherwise a
//! few clients on slow lines could take a healthy primary out of service.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use mainstay_http::{
    Replayable,
    body::{ReplayBody, ReplayableError},
    proxy::ForwardedBody,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The body of a request on its way to a backend.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Replayable<Source>,
    progress: Progress,
}

/// The state of the upload, shared by all copies of the body. `None` if there is no body to wait for.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Arc<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: AtomicBool,
    answered: AtomicBool,
    too_slow: AtomicBool,
}

/// The body as the client sends it. It fails when its time is over.
struct Source {
    body: ForwardedBody<Body>,
    progress: Progress,
    until: Instant,
    /// Created when the first read has to wait, because most bodies arrive at once.
    timer: Option<Pin<Box<Sleep>>>,
}

// === impl Upload ===

impl Upload {
    /// Wraps a body that the client must have sent by `until`.
    pub(crate) fn new(body: ForwardedBody<Body>, until: Instant) -> Self {
        let progress = Progress((!body.is_end_stream()).then(Arc::default));
        let source = Source { body, progress: progress.clone(), until, timer: None };
        Self { body: Replayable::new(source), progress }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl ReplayBody for Upload {
    fn replay(&self) -> Option<Self> {
        Some(Self { body: self.body.replay()?, progress: self.progress.clone() })
    }

    fn is_intact(&self) -> bool {
        self.body.is_intact() && !self.progress.is_waiting()
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = ReplayableError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Progress ===

impl Progress {
    /// Records the end of an attempt, so that the next one may read the body. After an answer there is no time limit for
    /// the rest of the body, because client and backend may exchange messages.
    pub(crate) fn attempted(&self, answered: bool) {
        if let Some(state) = &self.0 {
            state.waiting.store(false, Relaxed);
            state.answered.store(answered, Relaxed);
        }
    }

    fn is_waiting(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.waiting.load(Relaxed))
    }

    /// Whether the client's time ran out.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.too_slow.load(Relaxed))
    }
}

// === impl Source ===

impl HttpBody for Source {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, progress, until, timer } = &mut *self;
        let frame = Pin::new(body).poll_frame(cx);
        let Some(state) = &progress.0 else { return frame };
        state.waiting.store(frame.is_pending(), Relaxed);
        if frame.is_ready() || state.answered.load(Relaxed) {
            return frame;
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(*until)));
        timer.as_mut().poll(cx).map(|()| {
            state.too_slow.store(true, Relaxed);
            Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("progress", &self.progress).finish_non_exhaustive()
    }
}
