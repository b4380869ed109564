//! The part of a request's future that only a retry needs: the delay, and a fresh service until it is ready.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::has_runtime;
use tokio::{
    task::coop::poll_proceed,
    time::{Instant, Sleep, sleep, sleep_until},
};
use tower_service::Service;

use crate::schedule::ScheduledRetry;

/// A retry that is not sent yet.
///
/// It is boxed: the timers and the service are larger than the rest of the future, and a request that succeeds at
/// once does not need their space.
#[derive(Debug)]
pub(crate) struct PendingRetry<S, E> {
    retry: ScheduledRetry,
    /// The timer of the delay; `None` for a delay of zero.
    delay: Option<Pin<Box<Sleep>>>,
    /// The timer of the deadline; set only if the service is not ready at once.
    limit: Option<Pin<Box<Sleep>>>,
    service: Option<S>,
    /// The error of the last attempt, which the caller gets if the service is not ready before the deadline. A
    /// response is discarded before the delay instead, because it may hold a connection.
    previous: Option<E>,
}

/// The end of a pending retry.
pub(crate) enum RetryReadiness<S, E> {
    /// The retry can be sent.
    Ready { service: S, retry: ScheduledRetry, previous: Option<E> },
    /// The service's `poll_ready` failed, which counts as a failed attempt.
    Failed { error: E, retry: ScheduledRetry, previous: Option<E> },
    /// The deadline has passed.
    DeadlinePassed { previous: Option<E> },
}

// === impl PendingRetry ===

impl<S, E> PendingRetry<S, E> {
    pub(crate) fn new(retry: ScheduledRetry, previous: Option<E>) -> Box<Self> {
        let delay = (retry.delay > Duration::ZERO).then(|| Box::pin(sleep(retry.delay)));
        Box::new(Self { retry, delay, limit: None, service: None, previous })
    }

    /// Waits for the delay, then for the readiness of a fresh service.
    pub(crate) fn poll<Req>(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
        fresh: impl FnOnce() -> S,
    ) -> Poll<RetryReadiness<S, E>>
    where
        S: Service<Req>,
        S::Error: Into<E>,
    {
        if let Some(delay) = &mut self.delay {
            ready!(delay.as_mut().poll(cx));
            self.delay = None;
        } else if self.service.is_none() {
            // Without a delay, attempts that fail at once would run in one poll, and no other task of the thread.
            ready!(poll_proceed(cx)).made_progress();
        }
        let mut service = self.service.take().unwrap_or_else(fresh);
        match service.poll_ready(cx) {
            Poll::Ready(Ok(())) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                return Poll::Ready(RetryReadiness::DeadlinePassed { previous: self.previous.take() });
            }
            Poll::Ready(Ok(())) => {
                let (retry, previous) = (mem::take(&mut self.retry), self.previous.take());
                return Poll::Ready(RetryReadiness::Ready { service, retry, previous });
            }
            Poll::Ready(Err(error)) => {
                let (retry, previous) = (mem::take(&mut self.retry), self.previous.take());
                return Poll::Ready(RetryReadiness::Failed { error: error.into(), retry, previous });
            }
            Poll::Pending => self.service = Some(service),
        }
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        if self.limit.is_none() && has_runtime() {
            self.limit = Some(Box::pin(sleep_until(deadline)));
        }
        let Some(limit) = &mut self.limit else { return Poll::Pending };
        ready!(limit.as_mut().poll(cx));
        Poll::Ready(RetryReadiness::DeadlinePassed { previous: self.previous.take() })
    }
}
