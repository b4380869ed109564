//! The service that is unready while its breaker is open.
//!
//! For balancers and routers that choose by readiness. In a plain stack an unready service makes callers wait: use
//! [`CircuitBreakerLayer`](crate::CircuitBreakerLayer) there, which refuses.

use std::{
    fmt,
    marker::PhantomData,
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::{
    Boxed, Change, Classify, CloneService, Contextual, ErrorType, Follow, LayerKind, Name, OrderCheck, Plain, Reason,
    Rejected, Typed, Wait, has_runtime, on_panic,
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Breaker, BreakerFuture, permit::PANIC};

/// Makes a service unready while its [`Breaker`] is open or all permits for trial calls are in use.
#[derive(Clone, Debug)]
pub struct GateLayer<P = Plain, E = Boxed> {
    breaker: Breaker,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

/// A service that is unready while its [`Breaker`] is open; see [`GateLayer`].
pub struct Gate<S, P = Plain, E = Boxed> {
    inner: S,
    breaker: Breaker,
    policy: P,
    /// The wait for the breaker to admit calls.
    wait: Wait,
    _error: PhantomData<fn() -> E>,
}

// === impl GateLayer ===

impl GateLayer {
    /// Creates a gate whose breaker has this name and the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::with(Breaker::new(name))
    }

    /// Creates a gate for this breaker.
    #[must_use]
    pub fn with(breaker: Breaker) -> Self {
        Self { breaker, policy: Plain, order: OrderCheck::new(&[LayerKind::CircuitBreaker]), _error: PhantomData }
    }
}

impl<P, E> GateLayer<P, E> {
    /// Classifies results by another policy.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> GateLayer<P2, E> {
        GateLayer { breaker: self.breaker, policy, order: self.order, _error: PhantomData }
    }

    /// Returns errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> GateLayer<P, Typed<E2>> {
        GateLayer { breaker: self.breaker, policy: self.policy, order: self.order, _error: PhantomData }
    }

    /// Returns the breaker.
    #[must_use]
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P: Clone, E> Layer<S> for GateLayer<P, E> {
    type Service = Gate<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.breaker.name());
        Gate {
            inner,
            breaker: self.breaker.clone(),
            policy: self.policy.clone(),
            wait: Wait::default(),
            _error: PhantomData,
        }
    }
}

// === impl Gate ===

impl<S, P, E> Gate<S, P, E> {
    /// Returns the breaker.
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P, E, Req> Service<Req> for Gate<S, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Contextual<Req> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BreakerFuture<S::Future, P, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let Self { breaker, wait, .. } = self;
        if breaker.refuses() && !has_runtime() {
            return Poll::Ready(Err(Rejected::new(Reason::NoRuntime, breaker.name()).into()));
        }
        let admits = |_: &mut Context<'_>| if breaker.refuses() { Poll::Pending } else { Poll::Ready(()) };
        ready!(wait.poll(cx, || change(breaker), admits));
        let ready = ready!(on_panic(|| breaker.record(PANIC), || self.inner.poll_ready(cx))).map_err(Into::into);
        if let Err(error) = &ready {
            self.breaker.record(self.policy.classify(Err(error)));
        }
        Poll::Ready(ready)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.breaker.try_acquire_for_future() {
            Ok(permit) => BreakerFuture::call(&mut self.inner, request, permit, self.policy.clone()),
            Err(rejected) => {
                // Another caller took the last permit. A fresh clone holds no readiness of the inner service.
                self.inner = self.inner.clone();
                BreakerFuture::refused(rejected)
            }
        }
    }
}

/// Completes at the next change of state, or when the breaker may change without an event. Waits for at least a
/// millisecond in the latter case, so that the gate cannot spin.
fn change(breaker: &Breaker) -> Change {
    // Subscribes before it reads the time, which a change may move.
    let mut watch = breaker.watch();
    let next_change = breaker.next_change();
    Box::pin(async move {
        let changed = async {
            watch.changed().await;
        };
        match next_change {
            Some(at) => {
                let at = at.max(Instant::now() + Duration::from_millis(1));
                drop(tokio::time::timeout_at(at, changed).await);
            }
            None => changed.await,
        }
    })
}

/// The clone starts without readiness.
impl<S: Clone, P: Clone, E> Clone for Gate<S, P, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            breaker: self.breaker.clone(),
            policy: self.policy.clone(),
            wait: Wait::default(),
            _error: PhantomData,
        }
    }
}

impl<S: fmt::Debug, P, E> fmt::Debug for Gate<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("breaker", &self.breaker).field("inner", &self.inner).finish()
    }
}
