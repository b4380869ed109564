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
    body::{ReplayBody, ReplayableError},
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
            false => Progress::new(body, idle_timeout, is_expected),
        };
        let source = Source { progress: progress.clone(), held: None };
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

    fn poll_client(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let is_exchange = self.progress.is_exchange();
        let frame = self.progress.with_body(|body| {
            if is_exchange {
                // Client and backend may exchange messages. The pauses of the backend are limited then.
                let frame = Pin::new(body.get_mut()).poll_frame(cx);
                return frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
            }
            Pin::new(body).poll_frame(cx)
        });
        frame.unwrap_or_else(|| Poll::Ready(Some(Err("the request has ended".into()))))
    }
}

impl HttpBody for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match self.poll_permission(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(Ok(())) => self.poll_client(cx),
        };
        match &frame {
            Poll::Pending => self.progress.record_wait(),
            Poll::Ready(Some(Err(error))) => self.progress.record_failure(error.as_ref()),
            Poll::Ready(_) => self.progress.record_piece(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.progress.is_none() || self.progress.with_body(|body| body.is_end_stream()).unwrap_or_default()
    }

    fn size_hint(&self) -> SizeHint {
        self.progress.with_body(|body| body.size_hint()).unwrap_or_default()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("progress", &self.progress).finish_non_exhaustive()
    }
}
