//! How long somebody waits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::Reason;
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

/// A timer. Boxed, so that futures stay small for calls that never arm it; unconstrained, because a call that uses up
/// tokio's budget in every poll would keep it from firing.
pub(crate) struct Timer(Pin<Box<Unconstrained<Sleep>>>);

/// Waits for a while, or until the caller's deadline.
pub(crate) struct Wait {
    until: Option<(Instant, Reason)>,
    timer: Option<Timer>,
}

// === impl Timer ===

impl Timer {
    pub(crate) fn after(time: Duration) -> Self {
        Self::at(Instant::now() + time)
    }

    fn at(time: Instant) -> Self {
        Self(Box::pin(unconstrained(sleep_until(time))))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

// === impl Wait ===

impl Wait {
    /// From now on.
    pub(crate) fn new(max_wait: Option<Duration>, deadline: Option<Instant>) -> Self {
        let timeout = max_wait.map(|max_wait| (Instant::now() + max_wait, Reason::QueueTimeout));
        let deadline = deadline.map(|deadline| (deadline, Reason::DeadlineExceeded));
        Self { until: timeout.into_iter().chain(deadline).min_by_key(|(time, _)| *time), timer: None }
    }

    /// Why the wait is over, once it is. The timer is armed here, since only a poll is sure to be inside a runtime.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Reason> {
        let Some((time, reason)) = self.until else { return Poll::Pending };
        if self.timer.is_none() && time <= Instant::now() {
            return Poll::Ready(reason);
        }
        ready!(self.timer.get_or_insert_with(|| Timer::at(time)).poll(cx));
        Poll::Ready(reason)
    }

    /// Whether the caller has gone by now; a permit in the last moment is of no use to it.
    pub(crate) fn is_past_deadline(&self) -> bool {
        matches!(self.until, Some((time, Reason::DeadlineExceeded)) if time <= Instant::now())
    }
}
