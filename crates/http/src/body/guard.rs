//! Response bodies that can carry a guard.

use bytes::Buf;
use http::Response;
use http_body::Body;
use http_body_util::{
    BodyExt as _, Empty, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

use crate::body::guarded::{BodyEnd, GuardedBody};

/// A body that can carry a guard and keep its type: a boxed one, such as `UnsyncBoxBody`, `BoxBody`, axum's and tonic's
/// `Body`, and your own.
///
/// The default is for bodies that are complete when they are made, such as `Full`, `Empty` and `String`: nothing can fail
/// any more, and the guard is called at once.
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` cannot carry a guard to its end",
    label = "not a boxed body",
    note = "box it below the layer, `.map_response(mainstay_http::box_body)`, or let the head decide, `HeadOnly(policy)`"
)]
pub trait GuardBody: Body + Sized {
    /// Adds the guard, which is called once with the end of the body.
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        guard(BodyEnd::Complete { trailers: None });
        self
    }
}

/// Boxes the body of a response, so that it can carry guards: for hyper's `Incoming`, and for bodies of other layers.
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
pub fn box_body<B: Body + Send + 'static>(response: Response<B>) -> Response<UnsyncBoxBody<B::Data, B::Error>> {
    response.map(|body| body.boxed_unsync())
}

/// Adds a guard to the body of a response. The body must be boxed; its type stays the same.
///
/// ```
/// use http::Response;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use mainstay_http::body::{BodyEnd, guard_body};
/// # use bytes::Bytes;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
/// let permit = permits.clone().try_acquire_owned()?;
/// let response: Response<UnsyncBoxBody<Bytes, _>> = Response::new(Full::from("hello").boxed_unsync());
/// let response = guard_body(response, move |_: BodyEnd<'_>| drop(permit));
/// assert_eq!(permits.available_permits(), 0);
/// response.into_body().collect().await?;
/// assert_eq!(permits.available_permits(), 1);
/// # Ok::<(), mainstay_core::BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
pub fn guard_body<B: GuardBody>(
    response: Response<B>,
    guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static,
) -> Response<B> {
    response.map(|body| body.guarded(guard))
}

// === impl GuardBody ===

impl<D: Buf + 'static, E: 'static> GuardBody for UnsyncBoxBody<D, E> {
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        GuardedBody::new(self, guard).boxed_unsync()
    }
}

impl<D: Buf + 'static, E: 'static> GuardBody for BoxBody<D, E> {
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        GuardedBody::new(self, guard).boxed()
    }
}

impl<D: Buf> GuardBody for Full<D> {}

impl<D: Buf> GuardBody for Empty<D> {}

impl GuardBody for String {}

#[cfg(feature = "axum")]
impl GuardBody for axum::body::Body {
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        Self::new(GuardedBody::new(self, guard))
    }
}

#[cfg(feature = "tonic")]
impl GuardBody for tonic::body::Body {
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        Self::new(GuardedBody::new(self, guard))
    }
}

#[cfg(feature = "reqwest")]
impl GuardBody for reqwest::Body {
    fn guarded(self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        Self::wrap(GuardedBody::new(self, guard))
    }
}
