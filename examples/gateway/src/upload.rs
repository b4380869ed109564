//! The body of a request, which a client may send slowly.
//!
//! The body streams to the backend and can be replayed up to a limit, by [`Replayable`]. This file adds the distinction
//! between a slow client and a slow backend. A pause of the client is limited, and the length of the upload is not: the
//! timeouts of the stack run from its last byte. While the gateway waits for the client, no second attempt takes the body
//! from the first. A client that pauses for too long, or breaks its body, gets an answer of its own, and no failure is
//! recorded for the backend. Otherwise a few clients on slow lines could take a healthy primary out of service.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use mainstay_core::BoxError;
use mainstay_http::{
    Replayable,
    body::{IdleTimeoutBody, ReplayBody, ReplayableError},
    proxy::ForwardedBody,
};
use tokio::time::{Sleep, sleep};

use crate::progress::{Permission, Progress};

/// How long the body of a client that expects `100 Continue` is held back, if the backend says nothing: as curl waits.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// The body of a request on its way to a backend.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Replayable<Source>,
    progress: Progress,
}

/// The body as the client sends it.
struct Source {
    body: IdleTimeoutBody<ForwardedBody<Body>>,
    progress: Progress,
    /// Runs while the backend has not asked for the body.
    held: Option<Pin<Box<Sleep>>>,
}

// === impl Upload ===

impl Upload {
    /// Wraps a body that fails after a pause of the client this long. `is_expected` says that the client waits for
    /// `100 Continue`.
    pub(crate) fn new(body: ForwardedBody<Body>, idle_timeout: Duration, is_expected: bool) -> Self {
        let progress = match body.is_end_stream() {
            true => Progress::none(),
            false => Progress::new(idle_timeout, is_expected),
        };
        let body = IdleTimeoutBody::new(body, idle_timeout);
        let source = Source { body, progress: progress.clone(), held: None };
        Self { body: Replayable::new(source), progress }
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
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

// === impl Source ===

impl Source {
    /// Waits until the backend asks for the body, or has said nothing for a while. A read makes hyper send the client its
    /// `100 Continue`.
    fn poll_permission(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.progress.permission(cx) {
            Permission::Granted => Poll::Ready(Ok(())),
            Permission::Awaited => {
                let timer = self.held.get_or_insert_with(|| Box::pin(sleep(CONTINUE_WAIT)));
                timer.as_mut().poll(cx).map(|()| {
                    self.progress.grant();
                    Ok(())
                })
            }
            Permission::Answered => Poll::Pending,
            Permission::Refused => Poll::Ready(Err("the backend answered without the body".into())),
        }
    }
}

impl HttpBody for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = match this.poll_permission(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            // Client and backend may exchange messages. The pauses of the backend are limited then.
            Poll::Ready(Ok(())) if this.progress.is_exchange() => {
                let frame = Pin::new(this.body.get_mut()).poll_frame(cx);
                frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Ready(Ok(())) => Pin::new(&mut this.body).poll_frame(cx),
        };
        match &frame {
            Poll::Pending => this.progress.record_wait(),
            Poll::Ready(Some(Ok(piece))) if piece.is_data() && !this.body.is_end_stream() => {
                this.progress.record_piece()
            }
            Poll::Ready(Some(Err(error))) => this.progress.record_failure(error.as_ref()),
            Poll::Ready(_) => this.progress.record_end(),
        }
        frame
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
