//! Draining of discarded responses, so that their connections can be reused.
//!
//! A policy of its own rather than a setting of [`Http`](crate::Http): only draining requires a body that is `Send` and
//! `'static`.

use std::{pin::pin, time::Duration};

use ::http::{Response, Version};
use bytes::Buf;
use http_body::Body;
use http_body_util::BodyExt as _;
use mainstay_core::{
    Classify, Contextual, Degraded, Follow, Mark, Outcome, Replay, RequestContext, RequestCopy, UploadClock,
};
use tokio::{runtime::Handle, time::timeout};

/// A policy that drains discarded responses: [`Http::draining`](crate::Http::draining). Otherwise it behaves as the inner
/// policy.
///
/// An HTTP/1.1 connection must be closed if its response was not read to the end. When a layer discards a response
/// because it repeats the request, a task reads the rest: at most 64 KiB within 100 ms by default. Nothing is read if the
/// body is known to be longer, if the connection is HTTP/2 (the stream is reset, the connection stays), or outside a
/// Tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draining<P> {
    pub(super) policy: P,
    max_bytes: u64,
    max_time: Duration,
}

// === impl Draining ===

impl<P> Draining<P> {
    pub(crate) const fn new(policy: P) -> Self {
        Self { policy, max_bytes: 64 * 1024, max_time: Duration::from_millis(100) }
    }

    /// Sets the number of bytes that are read at most.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the time that reading takes at most.
    #[must_use]
    pub const fn with_max_time(mut self, time: Duration) -> Self {
        self.max_time = time;
        self
    }

    pub(crate) fn drain<B: Body + Send + 'static>(&self, version: Version, body: B) {
        if version >= Version::HTTP_2 || body.is_end_stream() || body.size_hint().lower() > self.max_bytes {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (max_bytes, max_time) = (self.max_bytes, self.max_time);
        runtime.spawn(async move {
            let _ = timeout(max_time, read(body, max_bytes)).await;
        });
    }
}

/// Reads to the end, or until the body is longer than the limit.
async fn read<B: Body>(body: B, max_bytes: u64) {
    let mut body = pin!(body);
    let mut left = max_bytes;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        // An empty frame counts as one byte, or a stream of them would never reach the limit.
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
    type Kept = P::Kept;

    fn replay(&self, request: &Req) -> Option<RequestCopy<P::Kept>> {
        self.policy.replay(request)
    }

    fn is_intact(&self, copy: &P::Kept) -> bool {
        self.policy.is_intact(copy)
    }
}

impl<P: Contextual<Req>, Req> Contextual<Req> for Draining<P> {
    fn carries_context(&self) -> bool {
        self.policy.carries_context()
    }

    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        self.policy.context(request)
    }

    fn set_context(&self, request: &mut Req, context: RequestContext) {
        self.policy.set_context(request, context);
    }

    fn change_context<F>(&self, request: &mut Req, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        self.policy.change_context(request, change);
    }

    fn caller_timeout(&self, request: &Req) -> Option<Duration> {
        self.policy.caller_timeout(request)
    }

    fn upload_clock<'a>(&self, request: &'a Req) -> Option<&'a UploadClock> {
        self.policy.upload_clock(request)
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

    /// Yields chunks of this size for ever, or hangs. The `Arc` counts the chunks, and its references show whether the
    /// body is alive.
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
    async fn hanging_body_is_dropped_after_the_time_limit() {
        let body = discard(Version::HTTP_11, None);
        tokio::time::sleep(Duration::from_millis(99)).await;
        assert_eq!(Arc::strong_count(&body), 2);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(Arc::strong_count(&body), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn endless_body_is_dropped_at_the_byte_limit() {
        let body = discard(Version::HTTP_11, Some(1024));
        tokio::task::yield_now().await;
        assert_eq!((Arc::strong_count(&body), body.load(Relaxed)), (1, 65));
    }

    #[tokio::test(start_paused = true)]
    async fn http2_body_is_dropped_without_reading() {
        assert_eq!(Arc::strong_count(&discard(Version::HTTP_2, Some(1))), 1);
    }
}
