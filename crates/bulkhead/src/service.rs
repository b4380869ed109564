//! The service.
//!
//! `poll_ready` takes no permit; `call` does. A permit taken in `poll_ready` would be kept by callers that never call,
//! and would deadlock with other layers that make callers wait between the two.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    task::{Context, Poll, ready},
};

use mainstay_core::{Boxed, Change, CloneService, Contextual, ErrorType, Follow, Plain, Reason, Wait};
use tower_service::Service;

use crate::{BulkheadFuture, Limit, queued_call::QueuedCall, waiter::Admission};

/// A service behind a [`Limit`]; see [`BulkheadLayer`](crate::BulkheadLayer).
pub struct Bulkhead<S, P = Plain, E = Boxed> {
    inner: S,
    limit: Limit,
    policy: P,
    readiness: Readiness,
    /// The wait for the inner service, which ends too when the permits are used up.
    wait: Wait,
    _error: PhantomData<fn() -> E>,
}

/// What `poll_ready` has found for the next call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readiness {
    /// No permit is free: the call queues, with a clone of the inner service that is not ready.
    Queue,
    /// The queue is full as well: the call is refused, even if a permit comes back before it.
    Full,
    /// The inner service is ready, and reserved for the call.
    Ready,
    /// The inner service is pending. It may hold a place in a queue of its own.
    Pending,
}

// === impl Bulkhead ===

impl<S, P, E> Bulkhead<S, P, E> {
    /// Puts the limit in front of the service.
    pub fn new(inner: S, limit: Limit, policy: P) -> Self {
        Self { inner, limit, policy, readiness: Readiness::Queue, wait: Wait::default(), _error: PhantomData }
    }

    /// Returns the limit.
    pub fn handle(&self) -> &Limit {
        &self.limit
    }
}

impl<S: Clone, P, E> Bulkhead<S, P, E> {
    /// Replaces the inner service by a fresh clone, which holds no readiness.
    fn drop_reserved(&mut self) {
        self.inner = self.inner.clone();
    }
}

impl<S, P, E, Req> Service<Req> for Bulkhead<S, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Contextual<Req> + Follow<S::Response> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BulkheadFuture<S, Req, S::Future, P, E>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let Self { inner, limit, readiness, wait, .. } = self;
        let slots = &limit.inner().slots;
        let look = |cx: &mut Context<'_>| match slots.has_free_slot() {
            false if slots.has_queue_place() => Poll::Ready(Ok(Readiness::Queue)),
            false => Poll::Ready(Ok(Readiness::Full)),
            true => {
                *readiness = Readiness::Pending;
                inner.poll_ready(cx).map_ok(|()| Readiness::Ready)
            }
        };
        let found = ready!(wait.poll(cx, || filled(limit), look)).map_err(Into::into);
        let before = mem::replace(&mut self.readiness, *found.as_ref().unwrap_or(&Readiness::Queue));
        // A call that gets no permit holds no readiness of the inner service, and no place in a queue there.
        let reserved = matches!(before, Readiness::Ready | Readiness::Pending);
        if reserved && matches!(found, Ok(Readiness::Queue | Readiness::Full)) {
            self.drop_reserved();
        }
        Poll::Ready(found.map(drop))
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let readiness = mem::replace(&mut self.readiness, Readiness::Queue);
        let policy = self.policy.clone();
        let admission = match readiness {
            Readiness::Full => None,
            _ => Admission::acquire(self.limit.inner()),
        };
        if let Readiness::Ready = readiness {
            if let Some(Admission::Admitted(permit)) = admission {
                let upload = policy.upload_clock(&request).cloned();
                return BulkheadFuture::called(self.inner.call(request), permit, upload, policy);
            }
            self.drop_reserved();
        }
        let Some(admission) = admission else {
            return BulkheadFuture::rejected(self.limit.inner().reject(Reason::BulkheadFull), policy);
        };
        BulkheadFuture::queued(QueuedCall::new(admission, self.inner.clone(), request, &policy), policy)
    }
}

/// Completes when the permits have been used up.
fn filled(limit: &Limit) -> Change {
    let limit = limit.inner().clone();
    Box::pin(async move { limit.filled().await })
}

/// A clone holds neither readiness nor a permit.
impl<S: Clone, P: Clone, E> Clone for Bulkhead<S, P, E> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limit.clone(), self.policy.clone())
    }
}

impl<S: fmt::Debug, P, E> fmt::Debug for Bulkhead<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead").field("limit", &self.limit).field("inner", &self.inner).finish()
    }
}
