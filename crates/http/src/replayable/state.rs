//! What the copies of one body share: its source, and what was sent of it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::BoxError;

use super::{Reason, ReplayableError};

pub(super) struct State<B> {
    source: Source<B>,
    /// What was sent, from the first byte on; empty once lost.
    sent: Vec<u8>,
    limit: usize,
    /// More than the limit was sent, or something was sent that nobody could ask for again.
    lost: bool,
    /// The number of the copy that began last.
    reader: u64,
    /// Who waits for the source, to be told when it is overtaken.
    waiting: Option<Waker>,
}

enum Source<B> {
    Open(B),
    Ended(Option<HeaderMap>),
    Failed(ReplayableError),
}

// === impl State ===

impl<B> State<B> {
    pub(super) fn new(source: B, limit: usize) -> Self {
        Self { source: Source::Open(source), sent: Vec::new(), limit, lost: false, reader: 0, waiting: None }
    }

    pub(super) fn is_intact(&self) -> bool {
        !self.lost && !matches!(self.source, Source::Failed(_))
    }

    /// Begins a new reader and gives the one that it overtakes, to be woken.
    pub(super) fn begin(&mut self) -> Result<(u64, Option<Waker>), ReplayableError> {
        if self.lost {
            return Err(ReplayableError(Reason::Lost));
        }
        self.reader += 1;
        Ok((self.reader, self.waiting.take()))
    }

    pub(super) fn reader(&self) -> u64 {
        self.reader
    }

    pub(super) fn kept(&self) -> usize {
        self.sent.len()
    }

    /// What was sent before and a reader that has been given this much is still to be given.
    pub(super) fn kept_after(&self, given: usize) -> Option<Bytes> {
        self.sent.get(given..).filter(|kept| !kept.is_empty()).map(Bytes::copy_from_slice)
    }

    fn keep(&mut self, data: &[u8], keep: bool) {
        if !self.lost && keep && self.sent.len().saturating_add(data.len()) <= self.limit {
            self.sent.extend_from_slice(data);
        } else {
            self.lost = true;
            self.sent = Vec::new();
        }
    }
}

impl<B: Body> State<B> {
    /// Whether a copy could be sent after this one: a body that announces more than the limit is not even begun.
    pub(super) fn can_be_copied(&self) -> bool {
        let announced = self.size_after(0).lower();
        self.is_intact() && usize::try_from(announced).is_ok_and(|announced| announced <= self.limit)
    }

    pub(super) fn is_end_after(&self, given: usize) -> bool {
        given >= self.sent.len()
            && match &self.source {
                Source::Open(source) => source.is_end_stream(),
                Source::Ended(trailers) => trailers.is_none(),
                Source::Failed(_) => false,
            }
    }

    pub(super) fn size_after(&self, given: usize) -> SizeHint {
        let rest = match &self.source {
            Source::Open(source) => source.size_hint(),
            Source::Ended(_) => SizeHint::with_exact(0),
            Source::Failed(_) => SizeHint::default(),
        };
        let kept = self.sent.len().saturating_sub(given) as u64;
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(kept));
        hint
    }
}

impl<B> State<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn poll_source(
        &mut self,
        cx: &mut Context<'_>,
        keep: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>> {
        let source = match &mut self.source {
            Source::Open(source) => source,
            Source::Ended(trailers) => {
                return Poll::Ready(trailers.clone().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            Source::Failed(error) => return Poll::Ready(Some(Err(error.clone()))),
        };
        let Poll::Ready(frame) = Pin::new(source).poll_frame(cx) else {
            self.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let frame = frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
            Err(error) => Err(ReplayableError(Reason::Source(Arc::from(error.into())))),
        });
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.keep(data, keep);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.source = Source::Ended(Some(trailers.clone()));
                }
            }
            Some(Err(error)) => self.source = Source::Failed(error.clone()),
            None => self.source = Source::Ended(None),
        }
        Poll::Ready(frame)
    }
}
