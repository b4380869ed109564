//! Drives futures on a paused clock and detects spinning and polling on a timer.

use std::{error::Error, fmt, future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::{
    task::yield_now,
    time::{Instant, sleep, timeout},
};
use tower_service::Service;

/// The number of polls at one point of time above which a future spins.
const POLLS_AT_ONE_TIME: usize = 512;

/// The number of polls above which a future polls on a timer instead of being woken.
const POLLS: usize = 4096;

/// The reason why a future did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It was not done within the limit.
    Late,
    /// It woke itself repeatedly while no time passed.
    Spins,
    /// It woke itself repeatedly on a timer.
    PollsOnATimer,
}

/// Drives a future to its end on a paused clock, or returns why it does not end.
///
/// # Errors
/// Not done after `limit` of virtual time, spinning, or polling on a timer.
pub async fn drive<F: Future>(limit: Duration, future: F) -> Result<F::Output, Stuck> {
    drive_within(limit, POLLS, future).await
}

pub(super) async fn drive_within<F: Future>(limit: Duration, most_polls: usize, future: F) -> Result<F::Output, Stuck> {
    let mut future = pin!(future);
    let (mut last, mut here, mut polls) = (Instant::now(), 0, 0);
    let watched = poll_fn(|cx| {
        let now = Instant::now();
        here = if now == last { here + 1 } else { 0 };
        last = now;
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(out) => Poll::Ready(Ok(out)),
            Poll::Pending if here > POLLS_AT_ONE_TIME => Poll::Ready(Err(Stuck::Spins)),
            Poll::Pending if polls > most_polls => Poll::Ready(Err(Stuck::PollsOnATimer)),
            Poll::Pending => Poll::Pending,
        }
    });
    match timeout(limit, watched).await {
        Ok(done) => done,
        Err(_) => Err(Stuck::Late),
    }
}

/// Polls a service ready and calls it.
///
/// # Errors
/// The error of the service's `poll_ready` or of its future.
pub async fn call<S: Service<Req>, Req>(service: &mut S, request: Req) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

/// Runs all tasks until none is runnable, and fires the timers that are due. Advances the clock by a millisecond.
pub async fn run_until_idle() {
    for _ in 0..64 {
        yield_now().await;
    }
    // A paused clock advances only when no task is runnable.
    sleep(Duration::from_millis(1)).await;
}

// === impl Stuck ===

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "is not done, and nothing will wake it",
            Self::Spins => "wakes itself without end while no time passes",
            Self::PollsOnATimer => "polls on a timer",
        })
    }
}

impl Error for Stuck {}
