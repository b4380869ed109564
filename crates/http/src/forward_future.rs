//! The future of a call whose deadline was sent along.
//!
//! Whoever reads the deadline on this side of the wire enforces it too: tonic's `Channel` ends the call at the very
//! moment at which the caller gives it up. Its error would tell breakers that the server failed, where in truth it had
//! no more time than some caller left it; a few impatient ones would close the server to all. So an error that comes
//! with the deadline is held back for a moment: a total timeout further out ends the call, and what it drops counts as
//! given up. Where there is none, the error is given then.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// What timers, and the rounding of what was sent, differ by at most.
const SLACK: Duration = Duration::from_millis(5);

pin_project! {
    /// The future of [`ForwardContext`](crate::ForwardContext).
    pub struct ForwardContextFuture<F, E> {
        #[pin]
        future: F,
        deadline: Option<Instant>,
        held: Option<Held<E>>,
    }
}

struct Held<E> {
    error: Option<E>,
    // In a box: hardly any call comes here.
    until: Pin<Box<Sleep>>,
}

// === impl ForwardContextFuture ===

impl<F, E> ForwardContextFuture<F, E> {
    pub(crate) fn new(future: F, deadline: Option<Instant>) -> Self {
        Self { future, deadline, held: None }
    }
}

impl<F, Res, E> Future for ForwardContextFuture<F, E>
where
    F: Future<Output = Result<Res, E>>,
{
    type Output = Result<Res, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let held = match this.held {
            Some(held) => held,
            None => match (ready!(this.future.poll(cx)), *this.deadline) {
                (Err(error), Some(deadline)) if Instant::now() + SLACK >= deadline => {
                    // Never at once, however late this is polled: the timers further out are polled after it.
                    let until = Box::pin(sleep_until(deadline.max(Instant::now()) + SLACK));
                    this.held.insert(Held { error: Some(error), until })
                }
                (result, _) => return Poll::Ready(result),
            },
        };
        ready!(held.until.as_mut().poll(cx));
        // Polled again after its end: pending for ever rather than a panic.
        held.error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
    }
}

impl<F, E> fmt::Debug for ForwardContextFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardContextFuture").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
