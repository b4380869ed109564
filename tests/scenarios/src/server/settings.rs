//! What a server serves, and how.

use mainstay_core::Random;
use tokio::sync::Semaphore;

use super::script::Script;
use crate::random::{exponential, normal};

/// The time that a worker needs for a request, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Exponential, with this mean.
    Exponential(f64),
    /// Log-normal, with this median and sigma.
    LogNormal(f64, f64),
}

/// What is served, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The time of a request.
    pub work: Work,
    /// Requests that are worked on at once.
    pub workers: usize,
    /// Requests that may wait for a worker; further ones are answered 503 at once. `None`: no bound.
    pub queue: Option<usize>,
    /// Whether work ends when the client goes away. A server that reads its socket only between requests does not.
    pub cancels: bool,
    /// The share of requests that are answered 500, whatever the script says.
    pub error_rate: f64,
    /// The faults.
    pub script: Script,
}

// === impl Settings ===

impl Settings {
    /// A server that is never busy: as many workers as requests.
    #[must_use]
    pub fn unbounded(work: Work) -> Self {
        let workers = Semaphore::MAX_PERMITS;
        Self { work, workers, queue: None, cancels: true, error_rate: 0.0, script: Script::default() }
    }

    /// Sets the faults.
    #[must_use]
    pub fn with_script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }
}

// === impl Work ===

impl Work {
    pub(super) fn mean(self) -> f64 {
        match self {
            Self::Exponential(mean) => mean,
            Self::LogNormal(median, sigma) => median * (sigma * sigma / 2.0).exp(),
        }
    }

    pub(super) fn draw(self, random: &Random) -> f64 {
        match self {
            Self::Exponential(mean) => exponential(random, mean),
            Self::LogNormal(median, sigma) => median * (sigma * normal(random)).exp(),
        }
    }
}
