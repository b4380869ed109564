//! A request body that streams to the first attempt and can still be sent again.
//!
//! The copies of one body share its source and a buffer of what was sent. Each copy is sent the buffer first, and
//! whoever has caught up asks the source. So copies can be sent at the same time too, to a backend that is silent and to
//! the one that is asked instead. Past the limit only one can go on: the copy that began last, because an attempt that
//! was given up may hold its body as long as its connection lives. The others get an error there, so that the exchanges
//! they belong to end.
//!
//! The buffer is one run of bytes and not a list of the chunks: small chunks would keep the whole read buffers alive
//! that they are slices of, and the limit would mean nothing.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::{BoxError, Outcome};

use crate::ReplayBody;

mod state;
mod waiting;

use state::{Reader, State};
use waiting::Waiting;

/// A streamed request body that can be sent again, up to a number of bytes.
///
/// The first attempt gets the chunks as they come, not after the last one. What it was sent is kept, up to a limit of
/// 64 KiB by default, while a copy is there that may need it. A later attempt is sent the same and then what still
/// comes, trailers included. Once more than the limit was sent the body can be sent on but not again: the commit
/// point. A body that announces more than the limit is never kept.
///
/// Copies are made by [`ReplayBody::replay`], and may be sent at the same time; a layer that kept one asks
/// [`ReplayBody::is_intact`] before it uses it. If the source fails, every copy gives that error and no more are made.
///
/// ```
/// use http_body_util::{BodyExt, Full};
/// use mainstay_http::{ReplayBody, Replayable};
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
    /// `None` for a body that was empty from the beginning: most requests, and they allocate nothing.
    shared: Option<Arc<Shared<B>>>,
    /// Which reader this is; `None` until it is read.
    reader: Option<Reader>,
    /// How much of what is kept this copy was sent.
    given: usize,
    ended: bool,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    waiting: Arc<Waiting>,
}

/// Why a [`Replayable`] body broke off. None of it is the fault of the server that the request was for.
#[derive(Clone, Debug)]
pub struct ReplayableError(Reason);

#[derive(Clone, Debug)]
enum Reason {
    Source(Arc<dyn Error + Send + Sync>),
    Overtaken,
    Lost,
}

// === impl Replayable ===

impl<B: Body> Replayable<B> {
    /// The bytes that are kept by default.
    pub const DEFAULT_LIMIT: usize = 64 * 1024;

    /// A body that can be sent again as long as no more than 64 KiB were sent.
    pub fn new(body: B) -> Self {
        Self::with_limit(body, Self::DEFAULT_LIMIT)
    }

    /// A body that can be sent again as long as no more than this many bytes were sent.
    pub fn with_limit(body: B, limit: usize) -> Self {
        let shared = (!body.is_end_stream()).then(|| Arc::new(Shared::new(body, limit)));
        Self { shared, reader: None, given: 0, ended: false }
    }
}

impl<B: Body> ReplayBody for Replayable<B> {
    fn replay(&self) -> Option<Self> {
        let shared = self.shared.clone();
        let possible = shared.as_ref().is_none_or(|shared| shared.lock().can_be_copied());
        possible.then_some(Self { shared, reader: None, given: 0, ended: false })
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
        if let Some(kept) = state.kept_after(reader, this.given) {
            this.given += kept.len();
            return Poll::Ready(Some(Ok(Frame::data(kept))));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        // Where no other copy is left, nobody can ask for what is sent now, and nobody else waits.
        if Arc::strong_count(shared) == 1 {
            let frame = state.poll_next(cx, reader, false);
            this.ended = is_end(&frame);
            return frame;
        }
        shared.waiting.add(cx.waker());
        let waker = Waker::from(shared.waiting.clone());
        let frame = state.poll_next(&mut Context::from_waker(&waker), reader, true);
        this.given = state.kept();
        this.ended = is_end(&frame);
        drop(state);
        if frame.is_ready() {
            shared.waiting.wake_others(cx.waker());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let Some(shared) = &self.shared else { return true };
        let state = shared.lock();
        self.is_streaming(&state) && (self.ended || state.is_end_after(self.given))
    }

    fn size_hint(&self) -> SizeHint {
        let Some(shared) = &self.shared else { return SizeHint::with_exact(0) };
        let state = shared.lock();
        if self.is_streaming(&state) { state.size_after(self.given) } else { SizeHint::default() }
    }
}

impl<B> Replayable<B> {
    fn is_streaming(&self, state: &State<B>) -> bool {
        match self.reader {
            Some(reader) => state.is_streaming(reader),
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
        debug.field("reader", &self.reader).field("given", &self.given).finish_non_exhaustive()
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
        Self { state: Mutex::new(State::new(source, limit)), waiting: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl ReplayableError ===

impl ReplayableError {
    /// The caller's own failure, or an attempt that we broke off ourselves; neither counts for or against the server.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.0 {
            Reason::Source(_) => Outcome::Ignored,
            Reason::Overtaken | Reason::Lost => Outcome::rejected(None),
        }
    }
}

impl fmt::Display for ReplayableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::Source(_) => "the request's body failed",
            Reason::Overtaken => "the request's body goes to another attempt",
            Reason::Lost => "the request's body cannot be sent again",
        })
    }
}

impl Error for ReplayableError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Reason::Source(error) => Some(error.as_ref()),
            Reason::Overtaken | Reason::Lost => None,
        }
    }
}

#[cfg(test)]
#[path = "replayable/tests.rs"]
mod tests;
