//! A request's body on its way from a client that may be slow.
//!
//! It streams to the backend and can be sent again up to a limit, as [`Replayable`] has it. What is added is that a
//! slow client is told from a slow backend: while the client is the one who keeps us waiting, no second attempt takes
//! the body away from the first, and when time runs out it is the client's fault and not the backend's. Otherwise a few
//! clients on bad lines could have a healthy primary taken out of service.

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
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The body of a request that is forwarded.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Replayable<Source>,
    progress: Progress,
}

/// How far the client has come; all copies of the body share it. `None` where there is no body to wait for.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<Arc<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: AtomicBool,
    answered: AtomicBool,
    too_slow: AtomicBool,
}

/// What comes from the client, until it is too late.
struct Source {
    body: Body,
    progress: Progress,
    until: Instant,
    /// Armed when the client keeps us waiting for the first time: most never do.
    timer: Option<Pin<Box<Sleep>>>,
}

// === impl Upload ===

impl Upload {
    /// A body that must be there at this time.
    pub(crate) fn new(body: Body, until: Instant) -> Self {
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
    /// The attempt that read the body is over: the next may have it. Once there is an answer, a client may take as long
    /// as it likes for what is left: they talk with each other.
    pub(crate) fn attempted(&self, answered: bool) {
        if let Some(state) = &self.0 {
            state.waiting.store(false, Relaxed);
            state.answered.store(answered, Relaxed);
        }
    }

    fn is_waiting(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.waiting.load(Relaxed))
    }

    /// Whether the client took too long.
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
