//! The future of a call with a time limit.
//!
//! The timer is armed when the inner future is pending for the first time. It is a field of the future, which makes that
//! 112 bytes longer. A call that is ready at once still costs 4 ns; a call that is not, which is every call over a
//! network, saves an allocation. Boxing the timer was rejected.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use mainstay_core::{ErrorType, UploadClock, can_arm_timer};
use pin_project_lite::pin_project;
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

use crate::TimeLimit;

pin_project! {
    /// The future of [`Timeout`](crate::Timeout).
    pub struct TimeoutFuture<F, E> {
        #[pin]
        state: State<F>,
        limit: TimeLimit,
        deadline: Option<Instant>,
        upload: Option<UploadClock>,
        _error: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // The call is in flight. The timer is armed at the first pending poll, and is unconstrained: otherwise a call
        // that uses up tokio's budget in every poll would keep it from firing.
        Calling { #[pin] future: F, #[pin] timer: Option<Unconstrained<Sleep>> },
        // The result was returned, and the inner future dropped.
        Done,
    }
}

impl<F, E> TimeoutFuture<F, E> {
    /// Creates a future that ends at the deadline, or without one after the limit's time from its first pending poll. With an
    /// upload, neither before the limit's time from its last byte.
    pub(crate) fn new(future: F, limit: TimeLimit, deadline: Option<Instant>, upload: Option<UploadClock>) -> Self {
        Self { state: State::Calling { future, timer: None }, limit, deadline, upload, _error: PhantomData }
    }
}

impl<F, E, Res, E0> Future for TimeoutFuture<F, E>
where
    F: Future<Output = Result<Res, E0>>,
    E0: Into<E::Error>,
    E: ErrorType,
{
    type Output = Result<Res, E::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Polled after completion, which the contract forbids: stays pending rather than panic.
        let StateProj::Calling { future, mut timer } = this.state.as_mut().project() else { return Poll::Pending };
        let result = match future.poll(cx) {
            Poll::Ready(result) => result.map_err(Into::into),
            Poll::Pending => {
                if timer.is_none() {
                    if !can_arm_timer() {
                        let refused = this.limit.without_runtime();
                        this.state.set(State::Done);
                        return Poll::Ready(Err(refused.into()));
                    }
                    let time = this.deadline.unwrap_or_else(|| Instant::now() + this.limit.get());
                    timer.set(Some(unconstrained(sleep_until(time))));
                }
                loop {
                    let Some(Poll::Ready(())) = timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx)) else {
                        return Poll::Pending;
                    };
                    match UploadClock::later_end(this.upload.as_ref(), this.limit.get()) {
                        Some(time) => timer.set(Some(unconstrained(sleep_until(time)))),
                        None => break Err(this.limit.expired().into()),
                    }
                }
            }
        };
        this.state.set(State::Done);
        Poll::Ready(result)
    }
}

impl<F, E> fmt::Debug for TimeoutFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture").field("limit", &self.limit).finish_non_exhaustive()
    }
}
