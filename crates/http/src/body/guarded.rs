//! A body that reports its end to a guard.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::on_panic;
use pin_project_lite::pin_project;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd<'a> {
    /// The body was read to its end.
    Complete {
        /// The trailers, if the body had any.
        trailers: Option<&'a HeaderMap>,
    },
    /// The body ended with an error, or its poll panicked.
    Failed,
    /// The body was dropped unread or between two frames.
    Dropped,
    /// The body was dropped while a poll was pending.
    Abandoned,
}

impl BodyEnd<'_> {
    /// Returns the name as a stable label, without the trailers.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for BodyEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

pin_project! {
    /// A body with a guard: a function that is called once with the end of the body. A permit is held until then by
    /// being part of the guard.
    ///
    /// The guard is called as soon as the end is known: with the trailers, or with the last bytes if the body reports
    /// that they are the last, because hyper does not poll again.
    pub struct GuardedBody<B, G>
    where
        B: Body,
        G: FnOnce(BodyEnd<'_>),
    {
        #[pin]
        body: B,
        guard: Option<G>,
        // Whether the last poll was pending.
        pending: bool,
    }

    impl<B, G> PinnedDrop for GuardedBody<B, G>
    where
        B: Body,
        G: FnOnce(BodyEnd<'_>),
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(guard) = this.guard.take() {
                // A body without bytes may never be polled.
                guard(match this.body.is_end_stream() {
                    true => BodyEnd::Complete { trailers: None },
                    false if *this.pending => BodyEnd::Abandoned,
                    false => BodyEnd::Dropped,
                });
            }
        }
    }
}

// === impl GuardedBody ===

impl<B: Body, G: FnOnce(BodyEnd<'_>)> GuardedBody<B, G> {
    /// Adds the guard to the body.
    pub fn new(body: B, guard: G) -> Self {
        Self { body, guard: Some(guard), pending: false }
    }
}

impl<B: Body, G: FnOnce(BodyEnd<'_>)> Body for GuardedBody<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let panicked = || {
            if let Some(guard) = this.guard.take() {
                guard(BodyEnd::Failed);
            }
        };
        let polled = on_panic(panicked, || this.body.as_mut().poll_frame(cx));
        *this.pending = polled.is_pending();
        let frame = ready!(polled);
        let end = match &frame {
            None => Some(BodyEnd::Complete { trailers: None }),
            Some(Err(_)) => Some(BodyEnd::Failed),
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => Some(BodyEnd::Complete { trailers: Some(trailers) }),
                None => this.body.is_end_stream().then_some(BodyEnd::Complete { trailers: None }),
            },
        };
        if let Some(end) = end
            && let Some(guard) = this.guard.take()
        {
            guard(end);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body + fmt::Debug, G: FnOnce(BodyEnd<'_>)> fmt::Debug for GuardedBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").field("body", &self.body).finish_non_exhaustive()
    }
}
