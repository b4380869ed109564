//! What is measured, and against what.

use std::time::Duration;

use tokio::time::Instant;

use crate::{gateway::Gateway, stalls::Stalls};

/// What a shutdown may take beyond what was configured, and beyond what the machine stood still meanwhile.
const TOLERANCE: Duration = Duration::from_millis(500);

/// Runs from a signal on.
pub(crate) struct Stopwatch {
    sent: Instant,
    stalls: Stalls,
}

// === impl Stopwatch ===

impl Stopwatch {
    /// Sends the signal.
    pub(crate) fn signal(gateway: &mut Gateway, name: &str) -> Self {
        let (sent, stalls) = (Instant::now(), Stalls::begin());
        gateway.process().signal(name);
        Self { sent, stalls }
    }

    /// Waits for the end, which must come after this time, with this exit code.
    pub(crate) async fn ends(&self, gateway: &mut Gateway, after: Duration, code: i32) {
        let status = gateway.process().ended().await;
        self.says(after, "the process ended");
        assert_eq!(status.code(), Some(code));
    }

    /// It is that late by now.
    pub(crate) fn says(&self, after: Duration, what: &str) {
        let (elapsed, stalled) = (self.sent.elapsed(), self.stalls.so_far());
        assert!(elapsed >= after, "{what} after {elapsed:?}, before its time: {after:?}");
        let latest = after + TOLERANCE + stalled;
        assert!(elapsed < latest, "{what} after {elapsed:?}, too late: {after:?} (stalls {stalled:?})");
    }
}

/// The line of counts that the gateway logs last, once.
pub(crate) async fn counts(gateway: &Gateway) -> String {
    let log = gateway.until_said("drained").await;
    let lines: Vec<_> = log.lines().filter_map(|line| line.split_once("drained")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    lines[0].1.split_once(": ").unwrap().1.to_owned()
}
