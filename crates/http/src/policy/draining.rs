//! Draining of responses that nobody reads, so that their connections can be used again.
//!
//! A policy of its own rather than a setting of [`Http`](crate::Http): only who drains must own a body that is `Send`
//! and `'static`.

use std::{pin::pin, time::Duration};

use ::http::{Response, Version};
use bytes::Buf;
use http_body::Body;
use http_body_util::BodyExt as _;
use mainstay_core::{Classify, Contextual, Degraded, Follow, Mark, Outcome, Replay, RequestContext};
use tokio::{runtime::Handle, time::timeout};

/// A policy that drains discarded responses: [`Http::draining`](crate::Http::draining). In all else it is the
/// policy inside.
///
/// An HTTP/1.1 connection whose response was not read to its end must be closed. When a layer discards a response
/// because it will repeat the request, this reads the rest on a task of its own: at most 64 KiB and 100 ms by default,
/// and nothing where the body is known to be longer, where the connection is HTTP/2 (one stream is reset, the
/// connection stays), or outside a tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draining<P> {
    pub(super) policy: P,
    bytes: u64,
    time: Duration,
}

// === impl Draining ===

impl<P> Draining<P> {
    pub(crate) const fn new(policy: P) -> Self {
        Self { policy, bytes: 64 * 1024, time: Duration::from_millis(100) }
    }

    /// With another number of bytes that are read at most.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// With another time that reading takes at most.
    #[must_use]
    pub const fn with_max_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    pub(crate) fn drain<B: Body + Send + 'static>(&self, version: Version, body: B) {
        if version >= Version::HTTP_2 || body.is_end_stream() || body.size_hint().lower() > self.bytes {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (bytes, time) = (self.bytes, self.time);
        runtime.spawn(async move {
            let _ = timeout(time, read(body, bytes)).await;
        });
    }
}

/// Reads to the end, or until more than this came.
async fn read<B: Body>(body: B, bytes: u64) {
    let mut body = pin!(body);
    let mut left = bytes;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        // An empty frame counts too, or a stream of them would have no end.
        match left.checked_sub(length.max(1)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

impl<P, B, E> Classify<Response<B>, E> for Draining<P>
where
    P: Classify<Response<B>, E>,
    B: Body + Send + 'static,
{
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        self.policy.classify(result)
    }

    fn discard(&self, result: Result<Response<B>, E>) {
        if let Ok(response) = result {
            self.drain(response.version(), response.into_body());
        }
    }
}

impl<P: Follow<Res>, Res> Follow<Res> for Draining<P> {
    fn is_streaming(&self, response: &Res) -> bool {
        self.policy.is_streaming(response)
    }

    fn follow<F>(&self, response: Res, settle: F) -> Res
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        self.policy.follow(response, settle)
    }
}

impl<P: Replay<Req>, Req> Replay<Req> for Draining<P> {
    fn replay(&self, request: &Req) -> Option<Req> {
        self.policy.replay(request)
    }

    fn is_intact(&self, copy: &Req) -> bool {
        self.policy.is_intact(copy)
    }
}

impl<P: Contextual<Req>, Req> Contextual<Req> for Draining<P> {
    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        self.policy.context(request)
    }

    fn set_context(&self, request: &mut Req, context: RequestContext) {
        self.policy.set_context(request, context);
    }
}

impl<P: Mark<Res>, Res> Mark<Res> for Draining<P> {
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        self.policy.mark(response, degraded);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http_body::Frame;
    use mainstay_core::BoxError;

    use super::*;
    use crate::Http;

    /// Gives chunks of this size for ever, or hangs; counts them, and shows by the `Arc` whether it is alive.
    struct Endless(Option<usize>, Arc<AtomicU32>);

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(size) = self.0 else { return Poll::Pending };
            self.1.fetch_add(1, Relaxed);
            Poll::Ready(Some(Ok(Frame::data(vec![0; size].into()))))
        }
    }

    fn discard(version: Version, chunk: Option<usize>) -> Arc<AtomicU32> {
        let chunks = Arc::<AtomicU32>::default();
        let mut response = Response::new(Endless(chunk, chunks.clone()));
        *response.version_mut() = version;
        Http::new().draining().discard(Ok::<_, BoxError>(response));
        chunks
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_body_is_let_go_in_time() {
        let body = discard(Version::HTTP_11, None);
        tokio::time::sleep(Duration::from_millis(99)).await;
        assert_eq!(Arc::strong_count(&body), 2);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(Arc::strong_count(&body), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_body_is_let_go_at_the_limit() {
        let body = discard(Version::HTTP_11, Some(1024));
        tokio::task::yield_now().await;
        assert_eq!((Arc::strong_count(&body), body.load(Relaxed)), (1, 65));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_http2_is_let_go_at_once() {
        assert_eq!(Arc::strong_count(&discard(Version::HTTP_2, Some(1))), 1);
    }
}
