//! Timers: of the execution, and of the wait for a permit.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_core::{Reason, has_runtime};
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

/// A timer. Boxed, so that futures stay small for calls that never arm it. Unconstrained, because a call that uses up
/// tokio's cooperative budget in every poll would keep it from firing.
pub(crate) struct Timer(Pin<Box<Unconstrained<Sleep>>>);

/// The end of a wait: `max_wait` or the caller's deadline, the earlier of the two.
pub(crate) struct WaitTimeout {
    end: Option<(Instant, Reason)>,
    timer: Option<Timer>,
}

// === impl Timer ===

impl Timer {
    /// Returns a timer, or `None` without a runtime.
    pub(crate) fn after(time: Duration) -> Option<Self> {
        Self::at(Instant::now() + time)
    }

    /// Returns a timer that ends then, or `None` without a runtime.
    pub(crate) fn at(time: Instant) -> Option<Self> {
        has_runtime().then(|| Self(Box::pin(unconstrained(sleep_until(time)))))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

// === impl WaitTimeout ===

impl WaitTimeout {
    /// Starts the wait now.
    pub(crate) fn new(max_wait: Option<Duration>, deadline: Option<Instant>) -> Self {
        let timeout = max_wait.map(|max_wait| (Instant::now() + max_wait, Reason::QueueTimeout));
        let deadline = deadline.map(|deadline| (deadline, Reason::DeadlineExceeded));
        Self { end: timeout.into_iter().chain(deadline).min_by_key(|(time, _)| *time), timer: None }
    }

    /// Ready with the reason once the wait has ended. Arms the timer, because only a poll is sure to be inside a runtime.
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<Reason> {
        let Some((time, reason)) = self.end else { return Poll::Pending };
        if self.timer.is_none() {
            if time <= Instant::now() {
                return Poll::Ready(reason);
            }
            self.timer = Timer::at(time);
        }
        match &mut self.timer {
            Some(timer) => timer.poll(cx).map(|()| reason),
            None => Poll::Ready(Reason::NoRuntime),
        }
    }

    /// Whether the caller's deadline has passed, so that a permit is of no use to it.
    pub(crate) fn is_past_deadline(&self) -> bool {
        matches!(self.end, Some((time, Reason::DeadlineExceeded)) if time <= Instant::now())
    }
}
