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

/// Several guards in one, each in a box. `GuardedBody<B, BoxGuard>` is a body of any type that layers can add guards to:
/// see [`GuardedBody::unguarded`].
pub type BoxGuard = Box<dyn FnOnce(BodyEnd<'_>) + Send + Sync>;

// === impl GuardedBody ===

impl<B: Body> GuardedBody<B, BoxGuard> {
    /// Creates a body to which [guards](crate::body::GuardBody) can be added. Each guard is boxed, and the body is not: a
    /// boxed body is boxed once more for each guard, and each box is one more call for each frame.
    ///
    /// Use it where several layers follow the same response.
    ///
    /// ```
    /// use http::Response;
    /// use http_body_util::{BodyExt, Full};
    /// use mainstay_http::body::{BodyEnd, GuardedBody, guard_body};
    /// # use bytes::Bytes;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let mut response = Response::new(GuardedBody::unguarded(Full::<Bytes>::from("hello")));
    /// for layer in ["inner", "outer"] {
    ///     let sender = sender.clone();
    ///     response = guard_body(response, move |_: BodyEnd<'_>| sender.send(layer).expect("it is received"));
    /// }
    /// response.into_body().collect().await?;
    /// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), ["inner", "outer"]);
    /// # Ok::<(), mainstay_core::BoxError>(()) })?;
    /// # Ok::<(), mainstay_core::BoxError>(())
    /// ```
    pub fn unguarded(body: B) -> Self {
        Self { body, guard: None, pending: false }
    }

    /// Adds a guard, which is called after those that the body has.
    pub(super) fn add(&mut self, outer: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) {
        self.guard = Some(match self.guard.take() {
            None => Box::new(outer),
            Some(inner) => Box::new(move |end: BodyEnd<'_>| {
                let mut outer = Some(outer);
                let mut call_outer = |end: BodyEnd<'_>| {
                    if let Some(outer) = outer.take() {
                        outer(end);
                    }
                };
                on_panic(|| call_outer(BodyEnd::Failed), || inner(end));
                call_outer(end);
            }),
        });
    }
}

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
