//! Retries of a plain function with a chosen strategy.

use mainstay_core::{BoxError, Classify, Plain, Rejected, run::boxed};
use tokio::time::Instant;

#[cfg(doc)]
use crate::Retrier;
use crate::{Operation, Strategy, StrategyChooser};

// === impl StrategyChooser ===

impl StrategyChooser {
    /// Chooses a strategy, runs the function with it, and records the duration: see [`Retrier::run`].
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run<T, E, F, Fut>(&self, operation: Operation, mut function: F) -> Result<T, BoxError>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, operation, |attempt| boxed(function(attempt))).await
    }

    /// Does the same as [`run`](Self::run), with a policy: see [`Retrier::run_with`].
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run_with<P, T, E, F, Fut>(&self, policy: P, operation: Operation, function: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let (strategy, start) = (self.choose(operation), Instant::now());
        let result = self.retrier(operation, strategy).run_with(policy, function).await;
        self.measured(operation, strategy, start, result)
    }

    /// Does the same as [`run`](Self::run), for a blocking function: see [`Retrier::run_blocking`].
    ///
    /// # Errors
    /// The function's last error; a rejection (draining) if the runtime shuts down before an attempt starts.
    pub async fn run_blocking<T, E, F>(&self, operation: Operation, function: F) -> Result<T, BoxError>
    where
        F: Fn(u32) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let (strategy, start) = (self.choose(operation), Instant::now());
        let result = self.retrier(operation, strategy).run_blocking(function).await;
        self.measured(operation, strategy, start, result)
    }

    /// Does the same as [`run_blocking`](Self::run_blocking), with a policy: see [`Retrier::run_blocking_with`].
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    pub async fn run_blocking_with<P, T, E, F>(&self, policy: P, operation: Operation, function: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: Fn(u32) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Rejected> + Send + 'static,
    {
        let (strategy, start) = (self.choose(operation), Instant::now());
        let result = self.retrier(operation, strategy).run_blocking_with(policy, function).await;
        self.measured(operation, strategy, start, result)
    }

    fn measured<T, E>(
        &self,
        operation: Operation,
        strategy: Strategy,
        start: Instant,
        result: Result<T, E>,
    ) -> Result<T, E> {
        if result.is_ok() {
            self.record(operation, strategy, start.elapsed());
        }
        result
    }
}
