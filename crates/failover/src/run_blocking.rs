//! The function form: a failover around blocking code.

use std::sync::Arc;

use mainstay_core::{BoxError, Classify, Follow, Plain, Reason, Refusal, Rejected, run::blocking};

use crate::{active::Active, handle::FailoverHandle};

impl FailoverHandle {
    /// Does the same as [`run`](Self::run), for a blocking function, which runs on Tokio's threads for blocking work. It
    /// cannot be stopped: it runs to its end even if the caller is gone.
    ///
    /// # Errors
    /// The function's first error, or the refusal; a refusal (draining) if the runtime shuts down.
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking<F, T, E>(&self, function: F) -> Result<T, BoxError>
    where
        F: Fn(Active) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.run_blocking_with(Plain, move |active| function(active).map_err(Into::into)).await
    }

    /// Does the same as [`run_blocking`](Self::run_blocking), with a policy that classifies the results, and with an error
    /// type that carries the refusal.
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking_with<P, F, T, E>(&self, policy: P, function: F) -> Result<T, E>
    where
        P: Classify<T, E> + Follow<T>,
        F: Fn(Active) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        let function = Arc::new(function);
        self.run_with(policy, |active| {
            let function = Arc::clone(&function);
            async move {
                let result = blocking(move || function(active)).await;
                result.unwrap_or_else(|| Err(Rejected::new(Reason::Draining, self.name()).into()))
            }
        })
        .await
    }
}
