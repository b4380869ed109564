//! What the copies of one body share: its source, and what was sent of it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use mainstay_core::BoxError;

use super::{Reason, ReplayableError};

/// The number of a copy that is being read.
pub(super) type Reader = u64;

pub(super) struct State<B> {
    source: Source<B>,
    /// What was sent, from the first byte on.
    sent: Vec<u8>,
    limit: usize,
    begun: Reader,
    /// Those who read, in the order in which they began.
    readers: Vec<Reader>,
    /// Set at the commit point: the one who is still sent something after it.
    owner: Option<Reader>,
    /// The first data after the commit point, where another than the owner came upon it.
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
            sent: Vec::new(),
            limit,
            begun: 0,
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
            return Err(ReplayableError(Reason::Lost));
        }
        self.begun += 1;
        self.readers.push(self.begun);
        Ok(self.begun)
    }

    pub(super) fn end(&mut self, reader: Reader) {
        self.readers.retain(|other| *other != reader);
    }

    /// Whether this reader will be sent more than what was kept.
    pub(super) fn is_streaming(&self, reader: Reader) -> bool {
        self.owner.is_none_or(|owner| owner == reader)
    }

    pub(super) fn kept(&self) -> usize {
        self.sent.len()
    }

    /// What was sent to others and is still to be sent to a reader that was sent this much.
    pub(super) fn kept_after(&mut self, reader: Reader, given: usize) -> Option<Bytes> {
        let kept = self.sent.get(given..).filter(|kept| !kept.is_empty()).map(Bytes::copy_from_slice)?;
        if self.owner == Some(reader) {
            // Nobody else will ask.
            self.sent = Vec::new();
        }
        Some(kept)
    }

    /// Keeps what was sent, or passes the commit point: then the reader that began last goes on, since the ones before
    /// may long have been given up. The data, or the end of this reader.
    fn send(&mut self, data: Bytes, reader: Reader, keep: bool) -> Result<Bytes, ReplayableError> {
        if self.owner.is_none() && keep && self.sent.len().saturating_add(data.len()) <= self.limit {
            self.sent.extend_from_slice(&data);
            return Ok(data);
        }
        let owner = *self.owner.get_or_insert(self.readers.last().copied().unwrap_or(reader));
        if owner == reader {
            self.sent = Vec::new();
            return Ok(data);
        }
        self.first_unkept = Some(data);
        Err(ReplayableError(Reason::Overtaken))
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
            && self.first_unkept.is_none()
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
        let here = self.sent.len().saturating_sub(given) + self.first_unkept.as_ref().map_or(0, Bytes::len);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(here as u64)) {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(here as u64));
        hint
    }
}

impl<B> State<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// What comes next, for a reader that was sent all that is kept.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        reader: Reader,
        keep: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>> {
        if !self.is_streaming(reader) {
            return Poll::Ready(Some(Err(ReplayableError(Reason::Overtaken))));
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
                let error = ReplayableError(Reason::Source(Arc::from(error.into())));
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
