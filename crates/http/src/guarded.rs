//! A response is not over when its head is there: a body that tells a guard how it ended.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::GuardBody;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd<'a> {
    /// It came to its end.
    Complete {
        /// Its trailers, if it had any.
        trailers: Option<&'a HeaderMap>,
    },
    /// It broke off with an error.
    Failed,
    /// Nobody wanted the rest: it was dropped unread, or between two pieces.
    Dropped,
    /// Nobody waited any longer: it was dropped when it had been asked for more and had none.
    GivenUp,
}

/// What is told how a body ended, exactly once; a permit is kept simply by being part of it.
///
/// Every `FnOnce(BodyEnd<'_>)` is one: `move |_| drop(permit)`.
pub trait BodyGuard {
    /// The body has ended.
    fn ended(self, end: BodyEnd<'_>);
}

pin_project! {
    /// A body with a guard that is told how it ended.
    ///
    /// The guard learns the end as soon as it is known: with the trailers, or with the last bytes where the body says
    /// that they are the last, for hyper does not ask again.
    pub struct Guarded<B, G>
    where
        B: Body,
        G: BodyGuard,
    {
        #[pin]
        body: B,
        guard: Option<G>,
        // It was asked for more last, and had none.
        waits: bool,
    }

    impl<B, G> PinnedDrop for Guarded<B, G>
    where
        B: Body,
        G: BodyGuard,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(guard) = this.guard.take() {
                // A body without any bytes may never be polled.
                guard.ended(match this.body.is_end_stream() {
                    true => BodyEnd::Complete { trailers: None },
                    false if *this.waits => BodyEnd::GivenUp,
                    false => BodyEnd::Dropped,
                });
            }
        }
    }
}

/// Puts a guard into a response whose body is boxed: its type stays what it was.
///
/// ```
/// use http::Response;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use mainstay_http::{BodyEnd, guard};
/// # use bytes::Bytes;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
/// let permit = permits.clone().try_acquire_owned()?;
/// let response: Response<UnsyncBoxBody<Bytes, _>> = Response::new(Full::from("hello").boxed_unsync());
/// let response = guard(response, move |_: BodyEnd<'_>| drop(permit));
/// assert_eq!(permits.available_permits(), 0);
/// response.into_body().collect().await?;
/// assert_eq!(permits.available_permits(), 1);
/// # Ok::<(), mainstay_core::BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
pub fn guard<B, G>(response: Response<B>, guard: G) -> Response<B>
where
    B: GuardBody,
    G: BodyGuard + Send + Sync + 'static,
{
    response.map(|body| body.guarded(guard))
}

// === impl BodyGuard ===

impl<F: FnOnce(BodyEnd<'_>)> BodyGuard for F {
    fn ended(self, end: BodyEnd<'_>) {
        self(end);
    }
}

// === impl Guarded ===

impl<B: Body, G: BodyGuard> Guarded<B, G> {
    /// The body with its guard.
    pub fn new(body: B, guard: G) -> Self {
        Self { body, guard: Some(guard), waits: false }
    }
}

impl<B: Body, G: BodyGuard> Body for Guarded<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.body.as_mut().poll_frame(cx);
        *this.waits = polled.is_pending();
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
            guard.ended(end);
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

impl<B: Body + fmt::Debug, G: BodyGuard> fmt::Debug for Guarded<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("body", &self.body).finish_non_exhaustive()
    }
}
