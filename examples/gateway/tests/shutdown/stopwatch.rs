//! Measures the time from a signal, and compares it with the expected time.

use std::time::Duration;

use tokio::time::Instant;

use crate::{gateway::Gateway, stalls::Stalls};

/// The time that a shutdown may take beyond the settings and the stalls of the machine.
const TOLERANCE: Duration = Duration::from_millis(500);

/// Measures the time from a signal.
pub(crate) struct Stopwatch {
    sent: Instant,
    stalls: Stalls,
}

// === impl Stopwatch ===

impl Stopwatch {
    /// Sends the signal and starts.
    pub(crate) fn signal(gateway: &mut Gateway, name: &str) -> Self {
        let (sent, stalls) = (Instant::now(), Stalls::begin());
        gateway.process().signal(name);
        Self { sent, stalls }
    }

    /// Waits for the end of the process. Asserts its time and its exit code.
    pub(crate) async fn ends(&self, gateway: &mut Gateway, after: Duration, code: i32) {
        let status = gateway.process().ended().await;
        self.assert_elapsed(after, "the process ended");
        assert_eq!(status.code(), Some(code));
    }

    /// Asserts that this time has passed, and not more than the tolerance.
    pub(crate) fn assert_elapsed(&self, after: Duration, what: &str) {
        let (elapsed, stalled) = (self.sent.elapsed(), self.stalls.so_far());
        assert!(elapsed >= after, "{what} after {elapsed:?}, before its time: {after:?}");
        let latest = after + TOLERANCE + stalled;
        assert!(elapsed < latest, "{what} after {elapsed:?}, too late: {after:?} (stalls {stalled:?})");
    }
}

/// Returns the counts that the gateway logs once, at its end.
pub(crate) async fn counts(gateway: &Gateway) -> String {
    let log = gateway.until_logged("drained").await;
    let lines: Vec<_> = log.lines().filter_map(|line| line.split_once("drained")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    lines[0].1.split_once(": ").unwrap().1.to_owned()
}
