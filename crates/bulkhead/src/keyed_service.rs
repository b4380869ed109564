//! The layer and the service with one limit per key.
//!
//! `poll_ready` is the inner service's own, because the key is known only in `call`.

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    task::{Context, Poll},
};

use mainstay_core::{
    Boxed, CloneService, Contextual, ErrorType, Follow, InvalidSetting, LayerKind, Name, OrderCheck, Plain, Typed,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{BulkheadFuture, KeyedLimits, queued_call::QueuedCall, waiter::Admission};

/// Puts one limit per key in front of a service; the key comes from a function of the request.
///
/// A client of many hosts, in which a slow host takes no more than its share of tasks and connections:
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
///     .layer(KeyedBulkheadLayer::with(hosts.clone(), authority::<Body>).with_policy(Http::new()))
///     .map_response(box_body) // the body keeps the permit until it ends
///     .service(client); // for example hyper-util's
///
/// let response = client.oneshot(http::Request::get("http://API.example/x").body(Body::empty())?).await?;
/// let busy = hosts.snapshot();
/// assert_eq!((busy.limits[0].name.as_str(), busy.in_flight), ("hosts/api.example", 1));
/// drop(response);
/// assert_eq!(hosts.snapshot().in_flight, 0);
/// # Ok(()) }
/// ```
///
/// A server of many tenants, in which none takes all of it, and each may have a few waiting calls:
///
/// ```
/// use axum::{Router, body::Body, error_handling::HandleErrorLayer, http::Request, routing::get};
/// use mainstay_bulkhead::{KeyedBulkheadLayer, KeyedBulkheadSettings, KeyedLimits, LimitSettings};
/// use mainstay_http::{Http, axum::handle_error};
/// use tower::ServiceBuilder;
///
/// fn tenant(request: &Request<Body>) -> String {
///     let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
///     tenant.unwrap_or("unknown").to_owned()
/// }
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let limit = LimitSettings { limit: 8, queue: 16, ..LimitSettings::default() };
/// let tenants = KeyedLimits::with_settings("tenants", KeyedBulkheadSettings { limit, capacity: 10_000 })?;
/// // One tenant gets a larger limit.
/// tenants.resize("gold", 100)?;
///
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(
///     ServiceBuilder::new()
///         .layer(HandleErrorLayer::new(handle_error)) // 503 for a tenant with too many calls
///         .layer(KeyedBulkheadLayer::with(tenants, tenant).with_policy(Http::new())),
/// );
/// # Ok(()) }
/// ```
///
/// Take the tenant from what authentication has verified: a caller that chooses its header freely chooses its limit. The
/// host and port of a `reqwest::Request`, without user and password, are
/// `request.url()[url::Position::BeforeHost..url::Position::AfterPort]`. A key that is cheap to make (a number, an
/// `Arc<str>`, `http::HeaderValue`) keeps the call free of allocations.
///
/// The inner service is polled ready before the key is known, so a caller waits for its readiness without a permit and
/// without a bound. Clients (hyper-util's, reqwest's) and axum's routes are always ready. A call that queues drops this
/// readiness, and after the permit it waits for the readiness of a fresh clone.
#[derive(Clone)]
pub struct KeyedBulkheadLayer<K, F, P = Plain, E = Boxed> {
    limits: KeyedLimits<K>,
    key: F,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

/// A service with a limit per key; see [`KeyedBulkheadLayer`].
#[derive(Clone)]
pub struct KeyedBulkhead<S, K, F, P = Plain, E = Boxed> {
    inner: S,
    limits: KeyedLimits<K>,
    key: F,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl KeyedBulkheadLayer ===

impl<K, F> KeyedBulkheadLayer<K, F> {
    /// A layer with new limits of so many concurrent calls for each key, 1 to a million, without a queue. The key is this
    /// function of the request.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new<Req>(name: impl Into<Name>, limit: u32, key: F) -> Result<Self, InvalidSetting>
    where
        K: Hash + Eq + Clone + fmt::Display,
        F: Fn(&Req) -> K,
    {
        Ok(Self::with(KeyedLimits::new(name, limit)?, key))
    }

    /// A layer with these limits. The key is this function of the request.
    pub fn with<Req>(limits: KeyedLimits<K>, key: F) -> Self
    where
        F: Fn(&Req) -> K,
    {
        Self { limits, key, policy: Plain, order: OrderCheck::new(&[LayerKind::Bulkhead]), _error: PhantomData }
    }
}

impl<K, F, P, E> KeyedBulkheadLayer<K, F, P, E> {
    /// Sets the policy that finds deadlines and the ends of responses; see [`BulkheadLayer`](crate::BulkheadLayer).
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> KeyedBulkheadLayer<K, F, P2, E> {
        KeyedBulkheadLayer { limits: self.limits, key: self.key, policy, order: self.order, _error: PhantomData }
    }

    /// Sets the type of the service's errors, instead of a boxed error.
    #[must_use]
    pub fn with_error<E2>(self) -> KeyedBulkheadLayer<K, F, P, Typed<E2>> {
        KeyedBulkheadLayer {
            limits: self.limits,
            key: self.key,
            policy: self.policy,
            order: self.order,
            _error: PhantomData,
        }
    }

    /// Returns the limits.
    #[must_use]
    pub fn handle(&self) -> &KeyedLimits<K> {
        &self.limits
    }
}

impl<S, K, F: Clone, P: Clone, E> Layer<S> for KeyedBulkheadLayer<K, F, P, E> {
    type Service = KeyedBulkhead<S, K, F, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.limits.as_name());
        let (limits, key, policy) = (self.limits.clone(), self.key.clone(), self.policy.clone());
        KeyedBulkhead { inner, limits, key, policy, _error: PhantomData }
    }
}

impl<K, F, P, E> fmt::Debug for KeyedBulkheadLayer<K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkheadLayer").field("limits", &self.limits).finish_non_exhaustive()
    }
}

// === impl KeyedBulkhead ===

impl<S, K, F, P, E> KeyedBulkhead<S, K, F, P, E> {
    /// Returns the limits.
    pub fn handle(&self) -> &KeyedLimits<K> {
        &self.limits
    }
}

impl<S, K, F, P, E, Req> Service<Req> for KeyedBulkhead<S, K, F, P, E>
where
    S: Service<Req> + CloneService,
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
        let policy = self.policy.clone();
        let admission = self.limits.admit(&(self.key)(&request));
        if let Ok(Admission::Admitted(permit)) = admission {
            let upload = policy.upload_clock(&request).cloned();
            return BulkheadFuture::called(self.inner.call(request), permit, upload, policy);
        }
        // A fresh clone holds no readiness: a call that waits or is refused must not keep it.
        self.inner = self.inner.clone();
        match admission {
            Err(rejected) => BulkheadFuture::rejected(rejected, policy),
            Ok(admission) => {
                BulkheadFuture::queued(QueuedCall::new(admission, self.inner.clone(), request, &policy), policy)
            }
        }
    }
}

impl<S: fmt::Debug, K, F, P, E> fmt::Debug for KeyedBulkhead<S, K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkhead").field("limits", &self.limits).field("inner", &self.inner).finish()
    }
}
