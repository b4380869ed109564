//! Trailers: the fields behind the content (RFC 9110, 6.5).
//!
//! They are filtered like heads, because a receiver may merge them into the head: a trailer `x-forwarded-for` would be a
//! claim, `cookie` another user.
//!
//! Over HTTP/2 every trailer that passes is forwarded. Over HTTP/1.1 hyper sends those that `Trailer` announces, and no
//! other: a sender must choose the encoding before it knows them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::proxy::{
    field_kind::{FieldKind, is_control},
    list::retain,
    not_forwarded::{is_named, named_by_connection},
};

pin_project! {
    /// The body of a forwarded message, whose trailers are filtered.
    #[derive(Debug, Default)]
    pub struct ForwardedBody<B> {
        #[pin]
        inner: B,
        // Named by `Connection` in the head, which concerns trailers too (RFC 9110, 7.6.1).
        named: Vec<HeaderName>,
    }
}

/// Removes what is not forwarded from the announcement of trailers.
pub(super) fn strip_announced(headers: &mut HeaderMap, named: &[HeaderName]) {
    if headers.contains_key(header::TRAILER) {
        retain(headers, &header::TRAILER, |name| {
            HeaderName::from_bytes(name).is_ok_and(|name| is_forwarded(&name, named))
        });
    }
}

fn strip(trailers: &mut HeaderMap, named: &[HeaderName]) {
    let removed: Vec<_> = trailers.keys().filter(|name| !is_forwarded(name, named)).cloned().collect();
    for name in removed {
        trailers.remove(name);
    }
}

fn is_forwarded(name: &HeaderName, named: &[HeaderName]) -> bool {
    let text = name.as_str();
    // `http` accepts a quotation mark in a name of HTTP/2, which is no name in HTTP/1.1.
    let is_token = !text.contains('"');
    is_token && FieldKind::of(text) == FieldKind::EndToEnd && !is_control(text) && !is_named(named, name)
}

// === impl ForwardedBody ===

impl<B> ForwardedBody<B> {
    /// Wraps the body of a message with this head, before hop-by-hop fields are removed from it.
    pub(super) fn new(inner: B, head: &HeaderMap) -> Self {
        Self { inner, named: named_by_connection(head) }
    }

    pub(super) fn named(&self) -> &[HeaderName] {
        &self.named
    }
}

impl<B: Body> Body for ForwardedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        this.inner.poll_frame(cx).map_ok(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                strip(trailers, this.named);
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let fields = fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        fields.collect()
    }

    #[test]
    fn announcement_is_filtered() {
        let cases = [
            ("x-sum", Some("x-sum")),
            ("X-Sum, x-forwarded-for , cookie,etag", Some("X-Sum, etag")),
            ("connection, x-served-by, x_real_ip", None),
            ("x-named", None),
            ("not a name", None),
        ];
        for (announced, expected) in cases {
            let mut head = headers(&[("trailer", announced), ("connection", "x-named")]);
            let named = named_by_connection(&head);
            strip_announced(&mut head, &named);
            assert_eq!(head.get(header::TRAILER).map(|left| left.to_str().unwrap()), expected, "{announced}");
        }
    }

    #[tokio::test]
    async fn trailers_are_filtered_like_heads() {
        let trailers = headers(&[
            ("x-sum", "42"),
            ("grpc-status", "0"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x_forwarded_for", "127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("host", "admin"),
            ("cookie", "user=2"),
            ("set-cookie", "user=2"),
            ("authorization", "Basic eA=="),
            ("x-served-by", "admin"),
            ("x-degraded", "cache"),
            ("x-named", "1"),
        ]);
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from("hello"))), Ok(Frame::trailers(trailers))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let body = ForwardedBody::new(body, &headers(&[("connection", "x-b, close, X-Named, x-a")]));
        let body = body.collect().await.unwrap();
        assert_eq!(body.trailers(), Some(&headers(&[("x-sum", "42"), ("grpc-status", "0")])));
        assert_eq!(body.to_bytes(), "hello");
    }
}
