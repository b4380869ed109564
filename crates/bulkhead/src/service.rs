//! The service.
//!
//! `poll_ready` only looks and `call` takes: a permit that was taken in `poll_ready` would be kept by callers that never
//! call, and would deadlock with whatever else makes callers wait between the two.

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

use crate::{
    BulkheadFuture, Limit,
    limit::Entered,
    slots::Entry,
    waiting::{Stage, Waiting},
};

/// A service behind a [`Limit`]; see [`BulkheadLayer`](crate::BulkheadLayer).
pub struct Bulkhead<S, P = Plain, E = Boxed> {
    inner: S,
    limit: Limit,
    policy: P,
    found: Found,
    _error: PhantomData<fn() -> E>,
}

/// What `poll_ready` found.
enum Found {
    /// No permit is free: the call queues, and takes an inner instance to ready itself.
    Queue,
    /// The queue is full as well; the next call is refused, whatever happens in between.
    Full,
    /// The inner service is ready, and reserved for the next call.
    Ready,
    /// The inner service is pending: a limit that fills up must wake the caller all the same. Boxed, because a
    /// service that waits has time.
    Pending(Pin<Box<dyn Future<Output = ()> + Send + Sync>>),
}

// === impl Bulkhead ===

impl<S, P, E> Bulkhead<S, P, E> {
    /// Puts the limit in front of the service.
    pub fn new(inner: S, limit: Limit, policy: P) -> Self {
        Self { inner, limit, policy, found: Found::Queue, _error: PhantomData }
    }

    /// The limit.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// What the next call will do with a limit that has nothing free.
    fn found(&mut self, found: Found) -> Poll<()>
    where
        S: Clone,
    {
        // Pending may be reserved as well: a place in the inner service's own line.
        if matches!(mem::replace(&mut self.found, found), Found::Ready | Found::Pending(_)) {
            self.drop_reserved();
        }
        Poll::Ready(())
    }

    /// Swaps in a fresh clone, so that no readiness of the inner service is kept.
    fn drop_reserved(&mut self)
    where
        S: Clone,
    {
        self.inner = self.inner.clone();
    }

    fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<()>
    where
        S: Clone,
    {
        if !matches!(self.found, Found::Pending(_)) {
            let limit = self.limit.inner().clone();
            self.found = Found::Pending(Box::pin(async move { limit.filled().await }));
        }
        let Found::Pending(filled) = &mut self.found else { return Poll::Pending };
        ready!(filled.as_mut().poll(cx));
        self.found(Found::Queue)
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
            match self.limit.look() {
                Entry::Full => return self.found(Found::Full).map(Ok),
                Entry::Queued => return self.found(Found::Queue).map(Ok),
                Entry::Slot => {}
            }
            if let Poll::Ready(ready) = self.inner.poll_ready(cx) {
                self.found = if ready.is_ok() { Found::Ready } else { Found::Queue };
                return Poll::Ready(ready.map_err(Into::into));
            }
            // Listens first and looks again after: else it could fill up in between, unnoticed.
            if self.poll_filled(cx).is_pending() && self.limit.look() == Entry::Slot {
                return Poll::Pending;
            }
        }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        if let Found::Ready = self.found
            && let Some(permit) = self.limit.free_permit()
        {
            self.found = Found::Queue;
            return BulkheadFuture::calling(self.inner.call(request), permit, self.policy.clone());
        }
        let found = mem::replace(&mut self.found, Found::Queue);
        self.call_or_queue(&found, request)
    }
}

impl<S: Clone, P: Clone, E> Bulkhead<S, P, E> {
    /// A call that finds no permit, or an inner service that is not ready.
    #[cold]
    fn call_or_queue<Req>(&mut self, found: &Found, request: Req) -> BulkheadFuture<S, Req, S::Future, P, E>
    where
        S: Service<Req>,
        P: Contextual<Req>,
    {
        if let Found::Full = found {
            return BulkheadFuture::refused(self.limit.reject(Reason::BulkheadFull), self.policy.clone());
        }
        let entered = self.limit.enter();
        if let Found::Ready = found {
            if let Entered::Permit(permit) = entered {
                return BulkheadFuture::calling(self.inner.call(request), permit, self.policy.clone());
            }
            self.drop_reserved();
        }
        let stage = match entered {
            Entered::Refused(rejected) => return BulkheadFuture::refused(rejected, self.policy.clone()),
            Entered::Permit(permit) => Stage::Ready(permit),
            Entered::Queued(turn) => Stage::Turn(turn),
        };
        let deadline = self.policy.context(&request).and_then(|context| context.deadline);
        let waiting = Waiting::new(self.limit.clone(), stage, self.inner.clone(), request, deadline);
        BulkheadFuture::queued(waiting, self.policy.clone())
    }
}

/// Neither readiness nor a permit is copied.
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
