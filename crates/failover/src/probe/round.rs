//! One round: attempts with pauses until one is good, within a limit on all rounds of the process.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::{Probe, ProbeOutcome, ProbeSettings};

/// What a round of probing found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProbeReport {
    /// What the last attempt found.
    pub outcome: ProbeOutcome,
    /// How many attempts were made; none without a probe.
    pub attempts: u32,
    /// How long they took together, with the pauses.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub elapsed: Duration,
}

/// How many attempts the process makes at once, whatever the number of failovers.
static AT_ONCE: Semaphore = Semaphore::const_new(64);

/// Asks until an attempt is good, it wants out, or no attempt is left. Never fails, never panics.
pub(crate) async fn ask(probe: &dyn Probe, settings: &ProbeSettings) -> ProbeReport {
    let start = Instant::now();
    let mut attempts = 0;
    loop {
        let outcome = attempt(probe, settings.timeout).await;
        attempts += 1;
        let over = matches!(outcome, ProbeOutcome::Healthy | ProbeOutcome::Out { .. });
        if over || attempts > settings.max_retries {
            return ProbeReport { outcome, attempts, elapsed: start.elapsed() };
        }
        match settings.pause(attempts) {
            Duration::ZERO => {}
            pause => sleep(pause).await,
        }
    }
}

/// The report on an endpoint that nobody can ask.
pub(crate) fn no_probe() -> ProbeReport {
    ProbeReport { outcome: ProbeOutcome::unhealthy("it has no probe"), attempts: 0, elapsed: Duration::ZERO }
}

async fn attempt(probe: &dyn Probe, limit: Duration) -> ProbeOutcome {
    // Never closed; were it, probing without the limit is better than not probing.
    let _permit = AT_ONCE.acquire().await;
    // The closure itself may panic, not only its future. What a payload says is kept out of pages: it may hold
    // secrets.
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
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_round_stops_at_the_first_good_attempt_and_pauses_in_doubling_steps() {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let probe = || async { CALLS.fetch_add(1, Relaxed) == 2 };
        let report = ask(&probe, &ProbeSettings::default()).await;
        assert_eq!((report.attempts, report.elapsed), (3, Duration::from_millis(1500)));
        assert!(report.is_healthy());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_probe_ends_with_its_timeout() {
        let settings = ProbeSettings::default();
        let report = ask(&|| std::future::pending::<bool>(), &settings).await;
        assert_eq!((report.attempts, report.elapsed), (3, settings.longest_round()));
        assert_eq!(report.outcome.to_string(), "unhealthy: no answer within 1s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_panics_is_a_failed_probe_and_its_words_stay_out_of_the_report() {
        async fn panics() -> bool {
            panic!("postgres://user:secret@host")
        }
        let settings = ProbeSettings { max_retries: 0, ..ProbeSettings::default() };
        let report = ask(&panics, &settings).await;
        assert_eq!(report.outcome, ProbeOutcome::unhealthy("the probe panicked"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_wants_out_is_not_asked_twice() {
        let probe = || async { ProbeOutcome::Out { reason: "maintenance".into() } };
        assert_eq!(ask(&probe, &ProbeSettings::default()).await.attempts, 1);
    }
}
