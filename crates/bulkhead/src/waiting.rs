//! A call that waits: first for its permit, then for the inner service.

use std::{
    mem,
    task::{Context, Poll, ready},
};

use mainstay_core::{Reason, Rejected};
use tokio::time::Instant;
use tower_service::Service;

use crate::{Limit, Permit, turn::Turn, wait::Wait};

/// Boxed by its future: only calls that wait pay for it.
pub(crate) struct Waiting<S, Req> {
    limit: Limit,
    stage: Stage,
    wait: Wait,
    inner: S,
    request: Option<Req>,
}

pub(crate) enum Stage {
    /// For a permit: nothing of the inner service is held.
    Turn(Turn),
    /// For the inner service, with the permit.
    Ready(Permit),
    Over,
}

/// How the wait ended.
pub(crate) enum Ended<F, E> {
    Calling { future: F, permit: Permit },
    Refused(Rejected),
    Failed(E),
}

// === impl Waiting ===

impl<S, Req> Waiting<S, Req> {
    pub(crate) fn new(limit: Limit, stage: Stage, inner: S, request: Req, deadline: Option<Instant>) -> Self {
        let wait = Wait::new(limit.inner().max_wait(), deadline);
        Self { limit, stage, wait, inner, request: Some(request) }
    }

    pub(crate) fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<Ended<S::Future, S::Error>>
    where
        S: Service<Req>,
    {
        if let Stage::Turn(turn) = &mut self.stage {
            match turn.poll_permit(cx) {
                Poll::Ready(permit) => self.stage = Stage::Ready(permit),
                Poll::Pending => return self.poll_over(cx),
            }
            if self.wait.is_past_deadline() {
                return Poll::Ready(self.refuse(Reason::DeadlineExceeded));
            }
        }
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Ended::Failed(error)),
            Poll::Pending => return self.poll_over(cx),
        }
        match (mem::replace(&mut self.stage, Stage::Over), self.request.take()) {
            (Stage::Ready(permit), Some(request)) => {
                Poll::Ready(Ended::Calling { future: self.inner.call(request), permit })
            }
            _ => Poll::Pending,
        }
    }

    fn poll_over<F, E>(&mut self, cx: &mut Context<'_>) -> Poll<Ended<F, E>> {
        let reason = ready!(self.wait.poll_over(cx));
        Poll::Ready(self.refuse(reason))
    }

    fn refuse<F, E>(&mut self, reason: Reason) -> Ended<F, E> {
        if let Stage::Turn(turn) = &mut self.stage {
            turn.expire();
        }
        self.stage = Stage::Over;
        Ended::Refused(self.limit.reject(reason))
    }
}
