//! The trait of probes, which closures implement.

use std::{fmt, pin::Pin, sync::Arc};

use tokio::sync::Semaphore;

use super::outcome::ProbeOutcome;

/// An async function that reports whether an endpoint works.
///
/// A closure is a probe: `|| async { .. }` with a `bool`, a `Result` or a [`ProbeOutcome`]. The prober adds timeout,
/// retries and backoff, and catches panics. On a multi-thread runtime a probe that blocks its thread delays nothing else.
///
/// ```
/// use mainstay_failover::{Endpoint, ProbeOutcome};
///
/// async fn health() -> Result<u16, std::io::Error> { Ok(200) }
/// let primary = Endpoint::named("primary").with_probe(|| async {
///     match health().await? {
///         200 => Ok(ProbeOutcome::Healthy),
///         429 => Ok(ProbeOutcome::Overloaded),
///         418 => Ok(ProbeOutcome::Out { reason: "maintenance".into() }),
///         status => Ok::<_, std::io::Error>(ProbeOutcome::unhealthy(format!("status {status}"))),
///     }
/// });
/// ```
pub trait Probe: Send + Sync + 'static {
    /// Makes one attempt.
    fn probe(&self) -> ProbeFuture;

    /// Returns the address that the probe asks, for logs and pages, without user, password and query. Default: `None`.
    fn address(&self) -> Option<String> {
        None
    }
}

/// The future of one attempt.
pub type ProbeFuture = Pin<Box<dyn Future<Output = ProbeOutcome> + Send>>;

/// A probe as endpoints keep it.
#[derive(Clone)]
pub(crate) struct SharedProbe {
    pub(crate) probe: Arc<dyn Probe>,
    /// Attempts in flight, those that have timed out but still block their thread included.
    pub(crate) in_flight: Arc<Semaphore>,
}

/// The attempts of one probe at once: one of a round, and one that requests have asked for.
const ATTEMPTS_AT_ONCE: usize = 2;

// === impl SharedProbe ===

impl SharedProbe {
    pub(crate) fn new(probe: impl Probe) -> Self {
        Self { probe: Arc::new(probe), in_flight: Arc::new(Semaphore::new(ATTEMPTS_AT_ONCE)) }
    }
}

// === impl Probe ===

impl<F, Fut> Probe for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<ProbeOutcome>> + Send + 'static,
{
    fn probe(&self) -> ProbeFuture {
        let attempt = self();
        Box::pin(async move { attempt.await.into() })
    }
}

impl fmt::Debug for SharedProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
