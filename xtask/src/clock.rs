//! The real clock and real sleeps: the commands measure other programs, and there is no runtime to pause.

use std::thread;
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "measures real programs: there is no runtime to pause")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Sleeps until `instant`; returns at once if it has passed.
pub(crate) fn wait_until(instant: Instant) {
    let left = instant.saturating_duration_since(now());
    if !left.is_zero() {
        wait(left);
    }
}

#[expect(clippy::disallowed_methods, reason = "the thread is ours, and there is no runtime")]
fn wait(time: Duration) {
    thread::sleep(time);
}
