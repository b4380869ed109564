//! The service.

use std::{
    fmt,
    marker::PhantomData,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Contextual, ErrorType, Plain};
use tokio::time::Instant;
use tower_service::Service;

use crate::{Scope, TimeLimit, TimeoutFuture};

/// A service whose calls have a time limit; see [`TimeoutLayer`](crate::TimeoutLayer).
pub struct Timeout<S, P = Plain, E = Boxed> {
    inner: S,
    limit: TimeLimit,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

impl<S, P, E> Timeout<S, P, E> {
    /// Creates a service whose calls have this limit.
    pub fn new(inner: S, limit: TimeLimit, policy: P) -> Self {
        Self { inner, limit, policy, _error: PhantomData }
    }

    /// Returns the limit.
    pub fn handle(&self) -> &TimeLimit {
        &self.limit
    }
}

impl<S, P, E, Req> Service<Req> for Timeout<S, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Contextual<Req>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = TimeoutFuture<S::Future, E>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, mut request: Req) -> Self::Future {
        let mut deadline = None;
        let mut upload = self.policy.upload_clock(&request).cloned();
        if self.limit.scope() == Scope::Attempt {
            // An attempt lasts as long as its upload does, so its time is not known before.
            if upload.is_none() {
                self.policy.change_context(&mut request, |context| context.limit_attempt(self.limit.get()));
            }
        } else if self.policy.carries_context() {
            let now = Instant::now();
            let own = now + self.limit.get();
            let latest = self.policy.caller_timeout(&request).map_or(own, |timeout| own.min(now + timeout));
            self.policy.change_context(&mut request, |context| {
                context.limit_deadline(latest);
                deadline = context.deadline;
            });
            if deadline != Some(own) {
                // The caller stops waiting then, whether or not its body has ended.
                upload = None;
            }
        }
        TimeoutFuture::new(self.inner.call(request), self.limit.clone(), deadline, upload)
    }
}

impl<S: Clone, P: Clone, E> Clone for Timeout<S, P, E> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limit.clone(), self.policy.clone())
    }
}

impl<S: fmt::Debug, P, E> fmt::Debug for Timeout<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("limit", &self.limit).field("inner", &self.inner).finish()
    }
}
