//! The service with a limit per key.
//!
//! The key is known only in `call`, so `poll_ready` is the inner service's own.

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Contextual, ErrorType, Follow, Plain, Typed};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    BulkheadFuture, KeyedLimits,
    limit::Entered,
    waiting::{Stage, Waiting},
};

/// Puts one limit per key in front of a service; the key comes from a function of the request.
///
/// A client of many hosts, so that the slow one takes no more than its share of tasks and connections:
///
/// ```
/// use mainstay_bulkhead::{KeyedBulkheadLayer, KeyedLimits};
/// use mainstay_http::{Http, authority, box_body};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # type Body = axum::body::Body;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
/// # let client = service_fn(|_| async { Ok::<_, std::io::Error>(http::Response::new(Body::from("hello"))) });
/// let hosts = KeyedLimits::new("hosts", 32)?;
/// let client = ServiceBuilder::new()
///     .layer(KeyedBulkheadLayer::new(hosts.clone(), authority::<Body>).with_policy(Http::new()))
///     .map_response(box_body) // so that a permit can stay with the body until it ends
///     .service(client); // hyper-util's, for one
///
/// let response = client.oneshot(http::Request::get("http://API.example/x").body(Body::empty())?).await?;
/// let busy = hosts.snapshot();
/// assert_eq!((busy.limits[0].name.as_str(), busy.in_flight), ("hosts/api.example", 1));
/// drop(response);
/// assert_eq!(hosts.snapshot().in_flight, 0);
/// # Ok(()) }
/// ```
///
/// A server of many tenants, so that none of them takes all of it; each may also have a few calls wait:
///
/// ```
/// use axum::{Router, body::Body, error_handling::HandleErrorLayer, http::Request, routing::get};
/// use mainstay_bulkhead::{KeyedBulkheadLayer, KeyedLimits, KeyedSettings, LimitSettings};
/// use mainstay_http::{Http, handle_error};
/// use tower::ServiceBuilder;
///
/// fn tenant(request: &Request<Body>) -> String {
///     let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
///     tenant.unwrap_or("nobody").to_owned()
/// }
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let limit = LimitSettings { limit: 8, queue: 16, ..LimitSettings::default() };
/// let tenants = KeyedLimits::with_settings("tenants", KeyedSettings { limit, capacity: 10_000 })?;
/// // This one pays for more.
/// tenants.resize("gold", 100)?;
///
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(
///     ServiceBuilder::new()
///         .layer(HandleErrorLayer::new(handle_error)) // 503 for who has too much in flight
///         .layer(KeyedBulkheadLayer::new(tenants, tenant).with_policy(Http::new())),
/// );
/// # Ok(()) }
/// ```
///
/// Take the tenant from where authentication has put it: a header that callers choose freely is a limit that they choose
/// freely. Of a `reqwest::Request`, the host and port without user and password are
/// `request.url()[url::Position::BeforeHost..url::Position::AfterPort]`. A key that is cheap to make (a number, an
/// `Arc<str>`, `http::HeaderValue`) keeps the call free of allocations.
///
/// The inner service is polled ready before the key is known, so that readiness is waited for without a permit and without
/// a bound; clients (hyper-util's, reqwest's) and axum's routes are always ready. A call that queues gives its readiness
/// back, and takes a fresh clone to ready after the permit.
pub struct KeyedBulkheadLayer<K, F, P = Plain, E = Boxed> {
    limits: KeyedLimits<K>,
    key: F,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

/// A service with a limit per key; see [`KeyedBulkheadLayer`].
pub struct KeyedBulkhead<S, K, F, P = Plain, E = Boxed> {
    inner: S,
    limits: KeyedLimits<K>,
    key: F,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl KeyedBulkheadLayer ===

impl<K, F> KeyedBulkheadLayer<K, F> {
    /// These limits, by this function of the request.
    pub fn new<Req>(limits: KeyedLimits<K>, key: F) -> Self
    where
        F: Fn(&Req) -> K,
    {
        Self { limits, key, policy: Plain, _error: PhantomData }
    }
}

impl<K, F, P, E> KeyedBulkheadLayer<K, F, P, E> {
    /// Finds deadlines, and the ends of answers, by another policy; see [`BulkheadLayer`](crate::BulkheadLayer).
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> KeyedBulkheadLayer<K, F, P2, E> {
        KeyedBulkheadLayer { limits: self.limits, key: self.key, policy, _error: PhantomData }
    }

    /// Gives errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> KeyedBulkheadLayer<K, F, P, Typed<E2>> {
        KeyedBulkheadLayer { limits: self.limits, key: self.key, policy: self.policy, _error: PhantomData }
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &KeyedLimits<K> {
        &self.limits
    }
}

impl<S, K, F: Clone, P: Clone, E> Layer<S> for KeyedBulkheadLayer<K, F, P, E> {
    type Service = KeyedBulkhead<S, K, F, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { limits, key, policy, .. } = self.clone();
        KeyedBulkhead { inner, limits, key, policy, _error: PhantomData }
    }
}

impl<K, F: Clone, P: Clone, E> Clone for KeyedBulkheadLayer<K, F, P, E> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), key: self.key.clone(), policy: self.policy.clone(), _error: PhantomData }
    }
}

impl<K, F, P, E> fmt::Debug for KeyedBulkheadLayer<K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkheadLayer").field("limits", &self.limits).finish_non_exhaustive()
    }
}

// === impl KeyedBulkhead ===

impl<S: Clone, K, F, P, E> KeyedBulkhead<S, K, F, P, E> {
    /// Swaps in a fresh clone, so that no readiness of the inner service is kept while refusing or waiting.
    fn drop_reserved(&mut self) {
        self.inner = self.inner.clone();
    }
}

impl<S, K, F, P, E, Req> Service<Req> for KeyedBulkhead<S, K, F, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    E: ErrorType,
    K: Hash + Eq + Clone + fmt::Display,
    F: Fn(&Req) -> K,
    P: Contextual<Req> + Follow<S::Response> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BulkheadFuture<S, Req, S::Future, P, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.limits.enter(&(self.key)(&request)) {
            Entered::Permit(permit) => BulkheadFuture::calling(self.inner.call(request), permit, self.policy.clone()),
            Entered::Refused(rejected) => {
                self.drop_reserved();
                BulkheadFuture::refused(rejected, self.policy.clone())
            }
            Entered::Queued(turn) => {
                self.drop_reserved();
                let deadline = self.policy.context(&request).and_then(|context| context.deadline);
                let (limit, stage) = (turn.limit(), Stage::Turn(turn));
                let waiting = Waiting::new(limit, stage, self.inner.clone(), request, deadline);
                BulkheadFuture::queued(waiting, self.policy.clone())
            }
        }
    }
}

impl<S: Clone, K, F: Clone, P: Clone, E> Clone for KeyedBulkhead<S, K, F, P, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limits: self.limits.clone(),
            key: self.key.clone(),
            policy: self.policy.clone(),
            _error: PhantomData,
        }
    }
}

impl<S: fmt::Debug, K, F, P, E> fmt::Debug for KeyedBulkhead<S, K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkhead").field("limits", &self.limits).field("inner", &self.inner).finish()
    }
}
