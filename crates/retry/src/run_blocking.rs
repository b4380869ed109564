//! The same around a function that blocks.

use std::{panic::resume_unwind, sync::Arc};

use mainstay_core::{Classify, Plain, Reason, Refusal, Rejected};
use tokio::task::spawn_blocking;

use crate::Retrier;

// === impl Retrier ===

impl Retrier {
    /// Like [`run`](Retrier::run), for a function that blocks: each attempt runs on one of tokio's blocking threads.
    /// The waits between them hold no thread.
    ///
    /// An attempt that runs cannot be interrupted: a caller that goes away leaves it to end on its own, and it is
    /// not repeated. A panic in the function goes on in the caller.
    ///
    /// # Errors
    /// The function's last error; a refusal (draining) if the runtime shuts down before an attempt could start.
    pub async fn run_blocking<T, E, F>(&self, function: F) -> Result<T, E>
    where
        F: Fn(u32) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        self.run_blocking_with(Plain, function).await
    }

    /// Like [`run_blocking`](Self::run_blocking), with a policy that says which results are failures.
    ///
    /// # Errors
    /// As above.
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
                match spawn_blocking(move || function(attempt)).await {
                    Ok(result) => result,
                    Err(ended) if ended.is_panic() => resume_unwind(ended.into_panic()),
                    Err(_cancelled) => Err(Rejected::new(Reason::Draining, self.name()).into()),
                }
            }
        })
        .await
    }
}
