//! The bodies that can carry a guard.

use bytes::Buf;
use http::Response;
use http_body::Body;
use http_body_util::{
    BodyExt as _, Empty, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

use crate::{BodyEnd, BodyGuard, Guarded};

/// A body that can carry a guard and keep its type: one that is boxed, such as `UnsyncBoxBody`, `BoxBody`, axum's and
/// tonic's `Body`, and your own.
///
/// The default is for bodies that are whole when they are made, such as `Full`, `Empty` and `String`: nothing is to come
/// that could fail, and the guard is let go at once.
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` cannot carry a guard to its end",
    label = "not a boxed body",
    note = "box it below the layer, `.map_response(mainstay_http::box_body)`, or let the head decide, `HeadOnly(policy)`"
)]
pub trait GuardBody: Body + Sized {
    /// The body with its guard.
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        guard.ended(BodyEnd::Complete { trailers: None });
        self
    }
}

/// The response with its body boxed, so that it can carry guards: for hyper's own `Incoming`, and for bodies of other
/// layers.
///
/// ```
/// use http::{Request, Response};
/// use mainstay_http::box_body;
/// use tower::{ServiceExt, service_fn};
/// # use bytes::Bytes;
/// # use http_body_util::Full;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::io::Error> {
/// let client = service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("hello"))) });
/// let client = client.map_response(box_body);
/// # client.oneshot(Request::new(())).await?;
/// # Ok(()) }
/// ```
pub fn box_body<B>(response: Response<B>) -> Response<UnsyncBoxBody<B::Data, B::Error>>
where
    B: Body + Send + 'static,
{
    response.map(|body| body.boxed_unsync())
}

// === impl GuardBody ===

impl<D, E> GuardBody for UnsyncBoxBody<D, E>
where
    D: Buf + 'static,
    E: 'static,
{
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        Guarded::new(self, guard).boxed_unsync()
    }
}

impl<D, E> GuardBody for BoxBody<D, E>
where
    D: Buf + 'static,
    E: 'static,
{
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        Guarded::new(self, guard).boxed()
    }
}

impl<D: Buf> GuardBody for Full<D> {}

impl<D: Buf> GuardBody for Empty<D> {}

impl GuardBody for String {}

#[cfg(feature = "axum")]
impl GuardBody for axum::body::Body {
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        Self::new(Guarded::new(self, guard))
    }
}

#[cfg(feature = "tonic")]
impl GuardBody for tonic::body::Body {
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        Self::new(Guarded::new(self, guard))
    }
}

#[cfg(feature = "reqwest")]
impl GuardBody for reqwest::Body {
    fn guarded<G>(self, guard: G) -> Self
    where
        G: BodyGuard + Send + Sync + 'static,
    {
        Self::wrap(Guarded::new(self, guard))
    }
}
