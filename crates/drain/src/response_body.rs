//! The body of a response, whose last byte completes the request.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::connection_state::InFlightGuard;

/// The length of a frame over HTTP/2 at most, as on the wire. The client has the write timeout for each: with longer ones
/// a slow client would exceed it although it reads.
const PIECE: usize = 16 * 1024;

pin_project! {
    /// A response body; its last byte completes the request.
    pub(crate) struct CountingBody {
        #[pin]
        body: Body,
        guard: Option<InFlightGuard>,
        // The rest of a frame, see `PIECE`.
        rest: Bytes,
        // Bytes left of `Content-Length`: hyper drops such a body without polling it for its end.
        left: Option<u64>,
    }
}

// === impl CountingBody ===

impl CountingBody {
    pub(crate) fn new(body: Body, mut guard: Option<InFlightGuard>, headers: &HeaderMap, bodiless: bool) -> Self {
        let left = length(headers);
        if bodiless || left == Some(0) || http_body::Body::is_end_stream(&body) {
            guard.as_mut().map(InFlightGuard::complete);
        }
        Self { body, guard, rest: Bytes::new(), left }
    }
}

impl http_body::Body for CountingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = match this.rest.is_empty() {
            true => this.body.as_mut().poll_frame(cx),
            false => Poll::Ready(Some(Ok(Frame::data(mem::take(this.rest))))),
        };
        if let Some(stream) = this.guard.as_ref().and_then(InFlightGuard::stream) {
            stream.polled(frame.is_ready());
        }
        let frame = match ready!(frame) {
            Some(Ok(frame)) if this.guard.as_ref().is_some_and(|guard| guard.stream().is_some()) => Some(Ok(frame
                .map_data(|mut data| {
                    *this.rest = data.split_off(data.len().min(PIECE));
                    data
                }))),
            other => other,
        };
        let complete = match &frame {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                *this.left == Some(0) || this.rest.is_empty() && this.body.is_end_stream()
            }
        };
        if complete {
            this.guard.as_mut().map(InFlightGuard::complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut size, rest) = (http_body::Body::size_hint(&self.body), self.rest.len() as u64);
        if let Some(upper) = size.upper() {
            size.set_upper(upper.saturating_add(rest));
        }
        size.set_lower(size.lower().saturating_add(rest));
        size
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
