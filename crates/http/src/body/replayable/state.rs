//! The state that the copies of one body share: the source, and the bytes that were read from it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::BoxError;

use crate::body::replayable::error::ReplayableError;

/// The number of a copy that is being read; a later reader has a higher one.
pub(super) type Reader = u64;

pub(super) struct State<B> {
    source: Source<B>,
    /// The bytes that were read, from the first one.
    kept: Vec<u8>,
    limit: usize,
    /// The number of the latest reader.
    latest: Reader,
    /// The active readers, in the order in which they began.
    readers: Vec<Reader>,
    /// The only reader that continues; set at the commit point.
    owner: Option<Reader>,
    /// The first data after the commit point, if another reader than the owner polled it.
    first_unkept: Option<Bytes>,
}

enum Source<B> {
    Open(B),
    Ended(Option<HeaderMap>),
    Failed(ReplayableError),
}

// === impl State ===

impl<B> State<B> {
    pub(super) fn new(source: B, limit: usize) -> Self {
        Self {
            source: Source::Open(source),
            kept: Vec::new(),
            limit,
            latest: 0,
            readers: Vec::new(),
            owner: None,
            first_unkept: None,
        }
    }

    pub(super) fn is_intact(&self) -> bool {
        self.owner.is_none() && !matches!(self.source, Source::Failed(_))
    }

    pub(super) fn begin(&mut self) -> Result<Reader, ReplayableError> {
        if self.owner.is_some() {
            return Err(ReplayableError::incomplete());
        }
        self.latest += 1;
        self.readers.push(self.latest);
        Ok(self.latest)
    }

    pub(super) fn end(&mut self, reader: Reader) {
        self.readers.retain(|other| *other != reader);
    }

    /// Whether this reader gets more than the kept bytes.
    pub(super) fn can_continue(&self, reader: Reader) -> bool {
        self.owner.is_none_or(|owner| owner == reader)
    }

    pub(super) fn kept_len(&self) -> usize {
        self.kept.len()
    }

    /// Returns the kept bytes after a reader's position.
    pub(super) fn kept_after(&mut self, reader: Reader, position: usize) -> Option<Bytes> {
        let kept = self.kept.get(position..).filter(|kept| !kept.is_empty()).map(Bytes::copy_from_slice)?;
        if self.owner == Some(reader) {
            // No other reader needs them.
            self.kept = Vec::new();
        }
        Some(kept)
    }

    /// Keeps the data, or passes the commit point: then only the latest reader continues, because earlier ones may be
    /// abandoned. Returns the data for this reader, or the error that ends it.
    fn send(&mut self, data: Bytes, reader: Reader, keep: bool) -> Result<Bytes, ReplayableError> {
        if self.owner.is_none() && keep && self.kept.len().saturating_add(data.len()) <= self.limit {
            self.kept.extend_from_slice(&data);
            return Ok(data);
        }
        let owner = *self.owner.get_or_insert(self.readers.last().copied().unwrap_or(reader));
        if owner == reader {
            self.kept = Vec::new();
            return Ok(data);
        }
        self.first_unkept = Some(data);
        Err(ReplayableError::superseded())
    }
}

impl<B: Body> State<B> {
    /// Whether a copy could be sent: the announced size must not exceed the limit.
    pub(super) fn can_be_copied(&self) -> bool {
        let announced = self.size_after(0).lower();
        self.is_intact() && usize::try_from(announced).is_ok_and(|announced| announced <= self.limit)
    }

    pub(super) fn is_end_after(&self, position: usize) -> bool {
        position >= self.kept.len()
            && self.first_unkept.is_none()
            && match &self.source {
                Source::Open(source) => source.is_end_stream(),
                Source::Ended(trailers) => trailers.is_none(),
                Source::Failed(_) => false,
            }
    }

    pub(super) fn size_after(&self, position: usize) -> SizeHint {
        let rest = match &self.source {
            Source::Open(source) => source.size_hint(),
            Source::Ended(_) => SizeHint::with_exact(0),
            Source::Failed(_) => SizeHint::default(),
        };
        let buffered = self.kept.len().saturating_sub(position) + self.first_unkept.as_ref().map_or(0, Bytes::len);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(buffered as u64)) {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(buffered as u64));
        hint
    }
}

impl<B> State<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Polls the source for a reader that has read all kept bytes.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        reader: Reader,
        keep: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>> {
        if !self.can_continue(reader) {
            return Poll::Ready(Some(Err(ReplayableError::superseded())));
        }
        if let Some(data) = self.first_unkept.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let source = match &mut self.source {
            Source::Open(source) => source,
            Source::Ended(trailers) => {
                return Poll::Ready(trailers.clone().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            Source::Failed(error) => return Poll::Ready(Some(Err(error.clone()))),
        };
        let frame = match std::task::ready!(Pin::new(source).poll_frame(cx)) {
            Some(Ok(frame)) => frame.map_data(|mut data| data.copy_to_bytes(data.remaining())),
            Some(Err(error)) => {
                let error = ReplayableError::source_failed(error);
                self.source = Source::Failed(error.clone());
                return Poll::Ready(Some(Err(error)));
            }
            None => {
                self.source = Source::Ended(None);
                return Poll::Ready(None);
            }
        };
        Poll::Ready(Some(match frame.into_data() {
            Ok(data) => self.send(data, reader, keep).map(Frame::data),
            Err(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.source = Source::Ended(Some(trailers.clone()));
                }
                Ok(frame)
            }
        }))
    }
}
