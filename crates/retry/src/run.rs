//! The same policy around a plain function, for code that is no Tower service.

use mainstay_core::{Classify, Plain, Refusal};

use crate::Retrier;

// === impl Retrier ===

impl Retrier {
    /// Runs the function until it succeeds or is not to be repeated; it is given the number of the attempt, 1 for
    /// the first. What comes back is always the function's own last result.
    ///
    /// Errors are classified as [`Plain`] does, so refusals of our layers inside are not repeated. `BoxError` will do;
    /// for functions with errors of their own kind see [`run_with`](Self::run_with) and [`EveryError`](crate::EveryError).
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run<T, E, F, Fut>(&self, function: F) -> Result<T, E>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        self.run_with(Plain, function).await
    }

    /// Like [`run`](Self::run), with a policy that says which results are failures; it may find them among the `Ok`
    /// ones too.
    ///
    /// ```
    /// use mainstay_retry::{EveryError, Retrier};
    ///
    /// # async fn connect() -> std::io::Result<()> { Ok(()) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let retrier = Retrier::network("connect");
    /// retrier.run_with(EveryError, |_attempt| connect()).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run_with<P, T, E, F, Fut>(&self, policy: P, mut function: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let mut journey = self.begin(None);
        loop {
            let result = function(journey.attempt).await;
            let Some(wait) = self.judge(&mut journey, policy.classify(result.as_ref()), Ok(None)) else {
                return result;
            };
            policy.discard(result);
            if !wait.delay.is_zero() {
                tokio::time::sleep(wait.delay).await;
            }
            self.resume(&mut journey, wait);
        }
    }
}

#[cfg(feature = "rt")]
mod blocking {
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
}
