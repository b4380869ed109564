//! A request body that streams to the first attempt and can still be sent again.
//!
//! The copies of one body share its source and a buffer of the bytes that were read. Each copy reads the buffer first and
//! then polls the source, so that copies can be sent at the same time: to a backend that does not respond and to the
//! second attempt's. Past the limit only one copy continues: the one that began last, because an abandoned attempt may
//! hold its body as long as its connection lives. The others get an error, so that their exchanges end.
//!
//! The buffer is contiguous bytes and not a list of the chunks: a small chunk is a slice that keeps a whole read buffer
//! alive, so a list would hold far more memory than the limit.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::BoxError;

use crate::body::replay::ReplayBody;

mod error;
mod state;
mod wakers;

pub use error::ReplayableError;
use state::{Reader, State};
use wakers::Wakers;

/// A streamed request body that can be sent again, up to a number of bytes.
///
/// The first attempt gets each chunk as it comes. The chunks are kept, up to a limit of 64 KiB by default, while a copy
/// exists that may need them. A later attempt gets the kept bytes and then the rest of the source, trailers included. The
/// commit point is where more than the limit was sent: from there on the body continues but cannot be sent again. A body
/// whose announced size exceeds the limit is never kept.
///
/// [`ReplayBody::replay`] makes copies, which may be sent at the same time. A layer that kept a copy checks
/// [`ReplayBody::is_intact`] before it sends it. If the source fails, every copy returns that error and no more are made.
///
/// ```
/// use http_body_util::{BodyExt, Full};
/// use mainstay_http::body::{ReplayBody, Replayable};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let body = Replayable::new(Full::<bytes::Bytes>::from("order"));
/// let copy = body.replay().expect("it is short");
/// assert_eq!(body.collect().await?.to_bytes(), "order");
/// assert_eq!(copy.collect().await?.to_bytes(), "order");
/// # Ok::<(), mainstay_core::BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
pub struct Replayable<B> {
    /// `None` for a body that was empty from the start, as most are: it needs no allocation.
    shared: Option<Arc<Shared<B>>>,
    /// The number of this reader; `None` until the first read.
    reader: Option<Reader>,
    /// How many of the kept bytes this copy has read.
    position: usize,
    ended: bool,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    wakers: Arc<Wakers>,
}

// === impl Replayable ===

impl<B: Body> Replayable<B> {
    /// The default limit of kept bytes: 64 KiB.
    pub const DEFAULT_LIMIT: usize = 64 * 1024;

    /// A body that can be sent again as long as at most 64 KiB were sent.
    pub fn new(body: B) -> Self {
        Self::with_limit(body, Self::DEFAULT_LIMIT)
    }

    /// A body that can be sent again as long as at most this many bytes were sent.
    pub fn with_limit(body: B, limit: usize) -> Self {
        let shared = (!body.is_end_stream()).then(|| Arc::new(Shared::new(body, limit)));
        Self { shared, reader: None, position: 0, ended: false }
    }
}

impl<B: Body> ReplayBody for Replayable<B> {
    fn replay(&self) -> Option<Self> {
        let shared = self.shared.clone();
        let possible = shared.as_ref().is_none_or(|shared| shared.lock().can_be_copied());
        possible.then_some(Self { shared, reader: None, position: 0, ended: false })
    }

    fn is_intact(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.lock().is_intact())
    }
}

impl<B> Body for Replayable<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = ReplayableError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>> {
        let this = self.get_mut();
        let Some(shared) = &this.shared else { return Poll::Ready(None) };
        let mut state = shared.lock();
        let reader = match this.reader {
            Some(reader) => reader,
            None => *this.reader.insert(state.begin()?),
        };
        if let Some(kept) = state.kept_after(reader, this.position) {
            this.position += kept.len();
            return Poll::Ready(Some(Ok(Frame::data(kept))));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        // This is the only copy: no other needs the bytes or waits for the source.
        if Arc::strong_count(shared) == 1 {
            let frame = state.poll_next(cx, reader, false);
            this.ended = is_end(&frame);
            return frame;
        }
        shared.wakers.add(cx.waker());
        let waker = Waker::from(shared.wakers.clone());
        let frame = state.poll_next(&mut Context::from_waker(&waker), reader, true);
        this.position = state.kept_len();
        this.ended = is_end(&frame);
        drop(state);
        if frame.is_ready() {
            shared.wakers.wake_others(cx.waker());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let Some(shared) = &self.shared else { return true };
        let state = shared.lock();
        self.can_continue(&state) && (self.ended || state.is_end_after(self.position))
    }

    fn size_hint(&self) -> SizeHint {
        let Some(shared) = &self.shared else { return SizeHint::with_exact(0) };
        let state = shared.lock();
        if self.can_continue(&state) { state.size_after(self.position) } else { SizeHint::default() }
    }
}

impl<B> Replayable<B> {
    fn can_continue(&self, state: &State<B>) -> bool {
        match self.reader {
            Some(reader) => state.can_continue(reader),
            None => state.is_intact(),
        }
    }
}

impl<B> Drop for Replayable<B> {
    fn drop(&mut self) {
        if let (Some(shared), Some(reader)) = (&self.shared, self.reader) {
            shared.lock().end(reader);
        }
    }
}

impl<B> fmt::Debug for Replayable<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Replayable");
        debug.field("reader", &self.reader).field("position", &self.position).finish_non_exhaustive()
    }
}

fn is_end<E>(frame: &Poll<Option<Result<Frame<Bytes>, E>>>) -> bool {
    match frame {
        Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
        Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        Poll::Ready(None) => true,
    }
}

// === impl Shared ===

impl<B> Shared<B> {
    fn new(source: B, limit: usize) -> Self {
        Self { state: Mutex::new(State::new(source, limit)), wakers: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "replayable/tests.rs"]
mod tests;
