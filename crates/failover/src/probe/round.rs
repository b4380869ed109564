//! One probe round: attempts with backoff until one succeeds, within a limit on all attempts of the process.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use mainstay_core::isolated;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::{function::SharedProbe, outcome::ProbeOutcome, settings::ProbeSettings};

/// The report of one probe round.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProbeReport {
    /// The outcome of the last attempt.
    pub outcome: ProbeOutcome,
    /// The number of attempts; 0 without a probe.
    pub attempts: u32,
    /// The duration of the round, with its backoff.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub elapsed: Duration,
}

/// The attempts that the process makes at once, over all failovers.
static AT_ONCE: Semaphore = Semaphore::const_new(64);

/// Makes attempts until one succeeds or returns [`ProbeOutcome::Out`], or none is left. A panic of the probe is an
/// unhealthy attempt.
pub(crate) async fn run_round(probe: &SharedProbe, settings: &ProbeSettings) -> ProbeReport {
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

async fn attempt(probe: &SharedProbe, limit: Duration) -> ProbeOutcome {
    // The semaphore is never closed; if it were, the attempt would go on without a limit.
    let _permit = AT_ONCE.acquire().await;
    // The panic's payload is not reported: it may contain secrets.
    let guarded = AssertUnwindSafe(probe_once(probe)).catch_unwind();
    match timeout(limit, guarded).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => ProbeOutcome::unhealthy("the probe panicked"),
        Err(_elapsed) => ProbeOutcome::unhealthy(format!("no answer within {limit:?}")),
    }
}

/// Makes one attempt. The closure itself may panic or block, not only its future.
async fn probe_once(probe: &SharedProbe) -> ProbeOutcome {
    // Attempts that still block their thread must not accumulate: a further one waits for them, up to its timeout.
    let in_flight = probe.in_flight.clone().acquire_owned().await;
    let probe = probe.probe.clone();
    let attempt = async move {
        let _in_flight = in_flight;
        probe.probe().await
    };
    match Handle::current().runtime_flavor() {
        // In a simulation on a paused clock the order of events must not depend on other threads.
        RuntimeFlavor::CurrentThread => attempt.await,
        _ => isolated(attempt).await,
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
        let report = run_round(&SharedProbe::new(probe), &ProbeSettings::default()).await;
        assert_eq!((report.attempts, report.elapsed), (3, Duration::from_millis(1500)));
        assert!(report.is_healthy());
    }

    #[tokio::test(start_paused = true)]
    async fn hung_probe_ends_with_its_timeout() {
        let settings = ProbeSettings::default();
        let report = run_round(&SharedProbe::new(std::future::pending::<bool>), &settings).await;
        assert_eq!((report.attempts, report.elapsed), (3, settings.longest_round()));
        assert_eq!(report.outcome.to_string(), "unhealthy: no answer within 1s");
    }

    #[tokio::test(start_paused = true)]
    async fn panic_is_a_failed_attempt_and_its_payload_is_not_reported() {
        async fn panics() -> bool {
            panic!("postgres://user:secret@host")
        }
        let settings = ProbeSettings { max_retries: 0, ..ProbeSettings::default() };
        let report = run_round(&SharedProbe::new(panics), &settings).await;
        assert_eq!(report.outcome, ProbeOutcome::unhealthy("the probe panicked"));
    }

    #[tokio::test(start_paused = true)]
    async fn out_ends_the_round() {
        let probe = || async { ProbeOutcome::Out { reason: "maintenance".into() } };
        assert_eq!(run_round(&SharedProbe::new(probe), &ProbeSettings::default()).await.attempts, 1);
    }

    /// A probe that blocks its thread, on one worker: the round ends, and attempts do not accumulate.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn probe_that_blocks_its_thread_times_out() {
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        let (blocked, calls) = (std::sync::Mutex::new(blocked), std::sync::Arc::new(AtomicU32::new(0)));
        let counted = calls.clone();
        let probe = SharedProbe::new(move || {
            counted.fetch_add(1, Relaxed);
            let _ = blocked.lock().map(|blocked| blocked.recv());
            async { true }
        });
        let settings =
            ProbeSettings { timeout: Duration::from_millis(10), backoff_base: Duration::ZERO, ..Default::default() };
        for _ in 0..3 {
            let report = run_round(&probe, &settings).await;
            assert_eq!((report.attempts, report.is_healthy()), (3, false));
        }
        assert!(calls.load(Relaxed) <= 2, "nine attempts");
        drop(unblock);
        let settings = ProbeSettings { timeout: Duration::from_secs(20), ..settings };
        assert!(run_round(&probe, &settings).await.is_healthy(), "the threads are released");
    }
}
