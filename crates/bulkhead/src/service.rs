//! The service.
//!
//! `poll_ready` takes no permit; `call` does. A permit taken in `poll_ready` would be kept by callers that never call,
//! and would deadlock with other layers that make callers wait between the two.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::{Boxed, Contextual, ErrorType, Follow, Plain, Reason};
use tower_service::Service;

use crate::{BulkheadFuture, Limit, queued_call::QueuedCall, waiter::Admission};

/// A service behind a [`Limit`]; see [`BulkheadLayer`](crate::BulkheadLayer).
pub struct Bulkhead<S, P = Plain, E = Boxed> {
    inner: S,
    limit: Limit,
    policy: P,
    readiness: Readiness,
    _error: PhantomData<fn() -> E>,
}

/// What `poll_ready` has found for the next call.
enum Readiness {
    /// No permit is free: the call queues, with a clone of the inner service that is not ready.
    Queue,
    /// The queue is full as well: the call is refused, even if a permit comes back before it.
    Full,
    /// The inner service is ready, and reserved for the call.
    Ready,
    /// The inner service is pending. The future ends when the permits are used up, and wakes the caller. Boxed, because
    /// a caller that waits can afford the allocation.
    Pending(Pin<Box<dyn Future<Output = ()> + Send + Sync>>),
}

// === impl Bulkhead ===

impl<S, P, E> Bulkhead<S, P, E> {
    /// Puts the limit in front of the service.
    pub fn new(inner: S, limit: Limit, policy: P) -> Self {
        Self { inner, limit, policy, readiness: Readiness::Queue, _error: PhantomData }
    }

    /// Returns the limit.
    pub fn handle(&self) -> &Limit {
        &self.limit
    }
}

impl<S: Clone, P, E> Bulkhead<S, P, E> {
    /// Ready for a call that will get no permit: it holds no readiness of the inner service.
    fn ready_without_permit(&mut self, readiness: Readiness) -> Poll<()> {
        // A pending inner service may hold a place in a queue of its own.
        if matches!(mem::replace(&mut self.readiness, readiness), Readiness::Ready | Readiness::Pending(_)) {
            self.drop_reserved();
        }
        Poll::Ready(())
    }

    /// Replaces the inner service by a fresh clone, which holds no readiness.
    fn drop_reserved(&mut self) {
        self.inner = self.inner.clone();
    }

    fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.readiness, Readiness::Pending(_)) {
            let limit = self.limit.inner().clone();
            self.readiness = Readiness::Pending(Box::pin(async move { limit.readiness_waiters.wait().await }));
        }
        let Readiness::Pending(filled) = &mut self.readiness else { return Poll::Pending };
        ready!(filled.as_mut().poll(cx));
        self.ready_without_permit(Readiness::Queue)
    }
}

impl<S, P, E, Req> Service<Req> for Bulkhead<S, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Contextual<Req> + Follow<S::Response> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BulkheadFuture<S, Req, S::Future, P, E>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        loop {
            let slots = &self.limit.inner().slots;
            if !slots.has_free_slot() {
                let readiness = if slots.has_queue_place() { Readiness::Queue } else { Readiness::Full };
                return self.ready_without_permit(readiness).map(Ok);
            }
            if let Poll::Ready(ready) = self.inner.poll_ready(cx) {
                self.readiness = if ready.is_ok() { Readiness::Ready } else { Readiness::Queue };
                return Poll::Ready(ready.map_err(Into::into));
            }
            // Checks again after subscribing: the permits may have been used up in between.
            if self.poll_filled(cx).is_pending() && self.limit.inner().slots.has_free_slot() {
                return Poll::Pending;
            }
        }
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
                return BulkheadFuture::called(self.inner.call(request), permit, policy);
            }
            self.drop_reserved();
        }
        let Some(admission) = admission else {
            return BulkheadFuture::rejected(self.limit.inner().reject(Reason::BulkheadFull), policy);
        };
        let deadline = policy.context(&request).and_then(|context| context.deadline);
        BulkheadFuture::queued(QueuedCall::new(admission, self.inner.clone(), request, deadline), policy)
    }
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
