//! A body that is copied while its reader reads it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::on_panic;
use pin_project_lite::pin_project;

pin_project! {
    /// A body whose bytes are copied. The copy is dropped if the body is longer than the limit, fails or is dropped.
    pub(super) struct CollectedBody<B, C> {
        #[pin]
        body: B,
        copy: Option<Copy<C>>,
    }
}

struct Copy<C> {
    // A copy, because the pieces of a body are parts of larger buffers, which they would keep in memory.
    bytes: Vec<u8>,
    limit: u64,
    complete: C,
}

// === impl CollectedBody ===

impl<B: Body<Data = Bytes>, C: FnOnce(Bytes)> CollectedBody<B, C> {
    /// Calls `complete` at once for an empty body, and wraps any other one that may be short enough.
    pub(super) fn wrap(body: B, limit: u64, complete: C, wrapped: impl FnOnce(Self) -> B) -> B {
        if body.is_end_stream() {
            complete(Bytes::new());
            return body;
        }
        let least = body.size_hint().lower();
        if least > limit {
            return body;
        }
        let bytes = Vec::with_capacity(usize::try_from(least).unwrap_or_default());
        wrapped(Self { body, copy: Some(Copy { bytes, limit, complete }) })
    }
}

impl<B: Body<Data = Bytes>, C: FnOnce(Bytes)> Body for CollectedBody<B, C> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = on_panic(|| drop(this.copy.take()), || this.body.as_mut().poll_frame(cx));
        let frame = ready!(frame);
        let Some(mut copy) = this.copy.take() else { return Poll::Ready(frame) };
        let has_ended = match &frame {
            None => true,
            Some(Err(_)) => return Poll::Ready(frame),
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) if copy.bytes.len() as u64 + data.len() as u64 > copy.limit => {
                    return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
                }
                Some(data) => {
                    copy.bytes.extend_from_slice(data);
                    this.body.is_end_stream()
                }
                None => frame.is_trailers() || this.body.is_end_stream(),
            },
        };
        match has_ended {
            // The vector may be larger than its content.
            true => (copy.complete)(copy.bytes.into_boxed_slice().into()),
            false => *this.copy = Some(copy),
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
