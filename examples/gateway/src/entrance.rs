//! The limit at the entrance: so many requests at once, and no queue. Beyond it a client is sent away at once, while
//! that is still cheap.
//!
//! A request holds its place until its answer's last byte, or a hundred thousand slow downloads would count as nothing.
//! That is why this is a function over the limit's handle, and not a `BulkheadLayer`, which lets go with the head.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use mainstay_bulkhead::{Limit, Permit};
use mainstay_core::BoxError;

/// An answer's body, and the place that its request holds.
struct Held {
    body: Body,
    _permit: Permit,
}

/// Stands before everything that is forwarded.
pub(crate) async fn entrance(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    match limit.try_acquire() {
        Ok(permit) => next.run(request).await.map(|body| Body::new(Held { body, _permit: permit })),
        Err(full) => mainstay_http::into_response(&BoxError::from(full)),
    }
}

// === impl Held ===

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
