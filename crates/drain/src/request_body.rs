//! The body of a request, which records whether it was read to its end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use crate::connection_state::OpenBody;

pin_project! {
    /// The body of a request.
    pub(crate) struct RequestBody {
        #[pin]
        body: Incoming,
        // `None` for a body that is empty or was read to its end.
        open: Option<OpenBody>,
    }
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(body: Incoming, open: impl FnOnce() -> OpenBody) -> Self {
        let open = (!http_body::Body::is_end_stream(&body)).then(open);
        Self { body, open }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let ended = match &frame {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(frame)) => frame.is_trailers() || this.body.is_end_stream(),
        };
        if ended && let Some(open) = this.open.take() {
            open.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}
