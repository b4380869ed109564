//! A time limit around plain async or blocking code, without Tower.

use std::future::Future;

use mainstay_core::{
    BoxError, Plain, Reason, Refusal, Rejected, has_runtime,
    run::{blocking, boxed},
};
use tokio::time::timeout;

use crate::TimeLimit;

impl TimeLimit {
    /// Runs the function, and drops its future when the time has passed. The error is boxed; [`run_with`](Self::run_with)
    /// keeps its type.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mainstay_core::{Reason, Refusal};
    /// use mainstay_timeout::TimeLimit;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// let limit = TimeLimit::attempt("orders", Duration::from_secs(1))?;
    /// let error = limit.run(|| std::future::pending::<std::io::Result<()>>()).await.unwrap_err();
    /// assert_eq!(error.rejected().map(|refusal| refusal.reason()), Some(Reason::AttemptTimeout));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The function's own error, or a refusal if the time has passed.
    pub async fn run<F, Fut, T, E>(&self, function: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, || boxed(function())).await
    }

    /// Does the same as [`run`](Self::run), with an error type that carries the refusal. The policy has no effect, because a
    /// time limit does not read results; all handles have this form.
    ///
    /// # Errors
    /// The function's own error, or a refusal if the time has passed.
    pub async fn run_with<P, F, Fut, T, E>(&self, _policy: P, function: F) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        if !has_runtime() {
            return Err(self.without_runtime().into());
        }
        match timeout(self.get(), function()).await {
            Ok(result) => result,
            Err(_) => Err(self.expired().into()),
        }
    }

    /// Does the same as [`run`](Self::run), for a blocking function, which runs on Tokio's threads for blocking work. A
    /// thread cannot be stopped: the caller gets the refusal in time, and the function runs to its end. Combine it with
    /// a limit on concurrent calls (`Limit::run_blocking` of the bulkhead inside), so that such functions do not pile up.
    ///
    /// # Errors
    /// The function's own error, or a refusal if the time has passed; a refusal (draining) if the runtime shuts down.
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking<F, T, E>(&self, function: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.run_blocking_with(Plain, || function().map_err(Into::into)).await
    }

    /// Does the same as [`run_blocking`](Self::run_blocking), with an error type that carries the refusal. The policy has
    /// no effect.
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking_with<P, F, T, E>(&self, policy: P, function: F) -> Result<T, E>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        let draining = || Err(Rejected::new(Reason::Draining, self.name()).into());
        self.run_with(policy, || async { blocking(function).await.unwrap_or_else(draining) }).await
    }
}
