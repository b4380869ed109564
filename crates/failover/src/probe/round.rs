//! One probe round: attempts with backoff until one succeeds, within a limit on all attempts of the process.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::{function::Probe, outcome::ProbeOutcome, settings::ProbeSettings};

/// The report of one probe round.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProbeReport {
    /// The outcome of the last attempt.
    pub outcome: ProbeOutcome,
    /// The number of attempts; 0 without a probe.
    pub attempts: u32,
    /// The duration of the round, with its backoff.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub elapsed: Duration,
}

/// The attempts that the process makes at once, over all failovers.
static AT_ONCE: Semaphore = Semaphore::const_new(64);

/// Makes attempts until one succeeds or returns [`ProbeOutcome::Out`], or none is left. A panic of the probe is an
/// unhealthy attempt.
pub(crate) async fn run_round(probe: &dyn Probe, settings: &ProbeSettings) -> ProbeReport {
    let start = Instant::now();
    let mut attempts = 0;
    loop {
        let outcome = attempt(probe, settings.timeout).await;
        attempts += 1;
        let over = matches!(outcome, ProbeOutcome::Healthy | ProbeOutcome::Out { .. });
        if over || attempts > settings.max_retries {
            return ProbeReport { outcome, attempts, elapsed: start.elapsed() };
        }
        match settings.backoff(attempts) {
            Duration::ZERO => {}
            backoff => sleep(backoff).await,
        }
    }
}

async fn attempt(probe: &dyn Probe, limit: Duration) -> ProbeOutcome {
    // The semaphore is never closed; if it were, the attempt would go on without a limit.
    let _permit = AT_ONCE.acquire().await;
    // The closure itself may panic, not only its future. The panic's payload is not reported: it may contain secrets.
    let guarded = AssertUnwindSafe(async { probe.probe().await }).catch_unwind();
    match timeout(limit, guarded).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => ProbeOutcome::unhealthy("the probe panicked"),
        Err(_elapsed) => ProbeOutcome::unhealthy(format!("no answer within {limit:?}")),
    }
}

impl ProbeReport {
    /// Whether the endpoint works.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.outcome.is_healthy()
    }

    /// Whether the probe was not sent, so that it says nothing about the endpoint.
    pub(crate) fn is_not_sent(&self) -> bool {
        matches!(self.outcome, ProbeOutcome::NotSent { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn round_ends_with_the_first_success_and_doubles_its_backoff() {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let probe = || async { CALLS.fetch_add(1, Relaxed) == 2 };
        let report = run_round(&probe, &ProbeSettings::default()).await;
        assert_eq!((report.attempts, report.elapsed), (3, Duration::from_millis(1500)));
        assert!(report.is_healthy());
    }

    #[tokio::test(start_paused = true)]
    async fn hung_probe_ends_with_its_timeout() {
        let settings = ProbeSettings::default();
        let report = run_round(&|| std::future::pending::<bool>(), &settings).await;
        assert_eq!((report.attempts, report.elapsed), (3, settings.longest_round()));
        assert_eq!(report.outcome.to_string(), "unhealthy: no answer within 1s");
    }

    #[tokio::test(start_paused = true)]
    async fn panic_is_a_failed_attempt_and_its_payload_is_not_reported() {
        async fn panics() -> bool {
            panic!("postgres://user:secret@host")
        }
        let settings = ProbeSettings { max_retries: 0, ..ProbeSettings::default() };
        let report = run_round(&panics, &settings).await;
        assert_eq!(report.outcome, ProbeOutcome::unhealthy("the probe panicked"));
    }

    #[tokio::test(start_paused = true)]
    async fn out_ends_the_round() {
        let probe = || async { ProbeOutcome::Out { reason: "maintenance".into() } };
        assert_eq!(run_round(&probe, &ProbeSettings::default()).await.attempts, 1);
    }
}
