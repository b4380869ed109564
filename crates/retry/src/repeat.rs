//! The part of a request's future that only repeats need: the wait, and a fresh service on its way to readiness.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tower_service::Service;

use crate::decide::Wait;

/// Lives in a box: timers and a service are larger than all the rest of the future, and a request that
/// succeeds at once should not carry their room.
#[derive(Debug)]
pub(crate) struct Repeat<S, E> {
    wait: Wait,
    /// The wait between attempts; none for a delay of zero.
    delay: Option<Pin<Box<Sleep>>>,
    /// Ends the wait for readiness; armed only where that is not there at once.
    limit: Option<Pin<Box<Sleep>>>,
    service: Option<S>,
    /// The result that is being repeated, if it is an error: it holds nothing of the dependency, and it is what the
    /// caller gets if no readiness comes in time.
    previous: Option<E>,
}

/// What became of a repeat.
pub(crate) enum Readied<S, E> {
    /// It can be sent.
    Ready { service: S, wait: Wait, previous: Option<E> },
    /// The fresh service failed before it was ready, which is a failed attempt.
    Failed { error: E, wait: Wait, previous: Option<E> },
    /// The deadline has passed.
    Late { previous: Option<E> },
}

// === impl Repeat ===

impl<S, E> Repeat<S, E> {
    pub(crate) fn new(wait: Wait, previous: Option<E>) -> Box<Self> {
        let delay = (wait.delay > Duration::ZERO).then(|| Box::pin(sleep(wait.delay)));
        Box::new(Self { wait, delay, limit: None, service: None, previous })
    }

    /// Waits, then takes a fresh service to readiness.
    pub(crate) fn poll<Req>(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
        fresh: impl FnOnce() -> S,
    ) -> Poll<Readied<S, E>>
    where
        S: Service<Req>,
        S::Error: Into<E>,
    {
        if let Some(delay) = &mut self.delay {
            ready!(delay.as_mut().poll(cx));
            self.delay = None;
        }
        let mut service = self.service.take().unwrap_or_else(fresh);
        match service.poll_ready(cx) {
            Poll::Ready(Ok(())) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                return Poll::Ready(Readied::Late { previous: self.previous.take() });
            }
            Poll::Ready(Ok(())) => {
                let (wait, previous) = (mem::take(&mut self.wait), self.previous.take());
                return Poll::Ready(Readied::Ready { service, wait, previous });
            }
            Poll::Ready(Err(error)) => {
                let (wait, previous) = (mem::take(&mut self.wait), self.previous.take());
                return Poll::Ready(Readied::Failed { error: error.into(), wait, previous });
            }
            Poll::Pending => self.service = Some(service),
        }
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(limit.as_mut().poll(cx));
        Poll::Ready(Readied::Late { previous: self.previous.take() })
    }
}
