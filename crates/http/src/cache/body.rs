//! Response bodies that can be kept, and made again of what was kept.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::Body;
use http_body_util::{
    BodyExt as _, Empty, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

use crate::cache::collected::CollectedBody;

/// A response body that can be kept: a boxed one, such as `UnsyncBoxBody`, `BoxBody`, axum's and reqwest's `Body`, or one
/// in memory: `Full`, `Empty` and `String`.
///
/// The caller reads the body as it arrives. A copy is collected meanwhile, and used only if the body ends well and is no
/// longer than the limit. Trailers pass and are not kept.
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` cannot be kept as a last good answer",
    label = "not a boxed body of `Bytes`",
    note = "box it below the layer, `.map_response(mainstay_http::box_body)`"
)]
pub trait KeepBody: Body<Data = Bytes> + Sized {
    /// Returns a body that calls `complete` with its bytes if it ends well and has at most `limit`.
    #[must_use]
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self;

    /// Makes a body of the bytes that were kept.
    fn restored(bytes: Bytes) -> Self;
}

impl<E: 'static> KeepBody for UnsyncBoxBody<Bytes, E> {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        CollectedBody::wrap(self, limit, complete, |body| body.boxed_unsync())
    }

    fn restored(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
    }
}

impl<E: 'static> KeepBody for BoxBody<Bytes, E> {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        CollectedBody::wrap(self, limit, complete, |body| body.boxed())
    }

    fn restored(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed()
    }
}

#[cfg(feature = "axum")]
impl KeepBody for axum::body::Body {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        CollectedBody::wrap(self, limit, complete, Self::new)
    }

    fn restored(bytes: Bytes) -> Self {
        Self::from(bytes)
    }
}

#[cfg(feature = "reqwest")]
impl KeepBody for reqwest::Body {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        CollectedBody::wrap(self, limit, complete, Self::wrap)
    }

    fn restored(bytes: Bytes) -> Self {
        Self::from(bytes)
    }
}

impl KeepBody for Empty<Bytes> {
    fn collected(self, _: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        complete(Bytes::new());
        self
    }

    fn restored(_: Bytes) -> Self {
        Self::new()
    }
}

impl KeepBody for Full<Bytes> {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        // It yields all of its bytes at once.
        let frame = Pin::new(&mut self.clone()).poll_frame(&mut Context::from_waker(Waker::noop()));
        let bytes = match frame {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            _ => Bytes::new(),
        };
        if bytes.len() as u64 <= limit {
            complete(bytes);
        }
        self
    }

    fn restored(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl KeepBody for String {
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        if self.len() as u64 <= limit {
            complete(Bytes::copy_from_slice(self.as_bytes()));
        }
        self
    }

    fn restored(bytes: Bytes) -> Self {
        // The bytes are those of a `String`.
        Self::from_utf8(bytes.into()).unwrap_or_default()
    }
}
