//! Retries of a blocking function.

use std::sync::Arc;

use mainstay_core::{BoxError, Classify, Plain, Reason, Rejected, run::blocking};

use crate::Retrier;

// === impl Retrier ===

impl Retrier {
    /// Does the same as [`run`](Retrier::run), for a blocking function: each attempt runs on a thread of Tokio's blocking
    /// pool. The delays between attempts hold no thread.
    ///
    /// A running attempt cannot be cancelled: after the caller drops the future, the attempt runs to its end and is not
    /// retried. A panic in the function is resumed in the caller.
    ///
    /// # Errors
    /// The function's last error; a rejection (draining) if the runtime shuts down before an attempt starts.
    pub async fn run_blocking<T, E, F>(&self, function: F) -> Result<T, BoxError>
    where
        F: Fn(u32) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.run_blocking_with(Plain, move |attempt| function(attempt).map_err(Into::into)).await
    }

    /// Does the same as [`run_blocking`](Self::run_blocking), with a policy that classifies the results, and without
    /// boxing the error.
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    pub async fn run_blocking_with<P, T, E, F>(&self, policy: P, function: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: Fn(u32) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Rejected> + Send + 'static,
    {
        let function = Arc::new(function);
        self.run_with(policy, |attempt| {
            let function = Arc::clone(&function);
            async move {
                let result = blocking(move || function(attempt)).await;
                result.unwrap_or_else(|| Err(Rejected::new(Reason::Draining, self.name()).into()))
            }
        })
        .await
    }
}
