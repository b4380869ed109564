//! Probes: any async function that says how an endpoint is.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

#[cfg(feature = "tonic")]
pub mod grpc;
#[cfg(feature = "http-probe")]
mod http;
mod round;
mod settings;
#[cfg(feature = "tcp-probe")]
mod tcp;

pub use round::ProbeReport;
pub(crate) use round::{ask, no_probe};
pub use settings::{Driven, ProbeSettings};
#[cfg(feature = "tcp-probe")]
pub use tcp::TcpProbe;

/// Asks an endpoint how it is.
///
/// A closure is a probe: `|| async { .. }` with a `bool`, a `Result` or a [`ProbeOutcome`]. Timeout, retries, pauses and
/// panics are the prober's business, not the probe's.
///
/// ```
/// use mainstay_failover::{Endpoint, ProbeOutcome};
///
/// async fn ask() -> Result<u16, std::io::Error> { Ok(200) }
/// let primary = Endpoint::named("primary").with_probe(|| async {
///     match ask().await? {
///         200 => Ok(ProbeOutcome::Healthy),
///         429 => Ok(ProbeOutcome::Overloaded),
///         418 => Ok(ProbeOutcome::Out { reason: "it asks to be taken out".into() }),
///         status => Ok::<_, std::io::Error>(ProbeOutcome::unhealthy(format!("status {status}"))),
///     }
/// });
/// ```
pub trait Probe: Send + Sync + 'static {
    /// One attempt.
    fn probe(&self) -> ProbeFuture;
}

/// The answer to come of one attempt.
pub type ProbeFuture = Pin<Box<dyn Future<Output = ProbeOutcome> + Send>>;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// It works.
    Healthy,
    /// It does not.
    Unhealthy {
        /// Why, for the log and the operators' page.
        reason: String,
    },
    /// It says that it is too busy: it does not count as a success on the way back.
    Overloaded,
    /// It asks to be taken out: the endpoint is left at once, without waiting for more failures.
    Out {
        /// Why.
        reason: String,
    },
}

/// A probe as endpoints keep it.
#[derive(Clone)]
pub(crate) struct SharedProbe(pub(crate) Arc<dyn Probe>);

// === impl ProbeOutcome ===

impl ProbeOutcome {
    /// It does not work, for this reason.
    #[must_use]
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self::Unhealthy { reason: reason.into() }
    }

    /// Whether it works.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy)
    }
}

impl fmt::Display for ProbeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Unhealthy { reason } => write!(f, "unhealthy: {}", reason.escape_debug()),
            Self::Overloaded => f.write_str("overloaded"),
            Self::Out { reason } => write!(f, "asks to be taken out: {}", reason.escape_debug()),
        }
    }
}

impl From<bool> for ProbeOutcome {
    fn from(healthy: bool) -> Self {
        match healthy {
            true => Self::Healthy,
            false => Self::unhealthy("the probe said no"),
        }
    }
}

impl From<()> for ProbeOutcome {
    fn from((): ()) -> Self {
        Self::Healthy
    }
}

impl<T: Into<Self>, E: fmt::Display> From<Result<T, E>> for ProbeOutcome {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(found) => found.into(),
            Err(error) => Self::unhealthy(error.to_string()),
        }
    }
}

// === impl Probe ===

impl<F, Fut> Probe for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<ProbeOutcome>> + Send + 'static,
{
    fn probe(&self) -> ProbeFuture {
        let answer = self();
        Box::pin(async move { answer.await.into() })
    }
}

impl fmt::Debug for SharedProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
