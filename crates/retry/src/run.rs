//! Retries of a plain async function.

use mainstay_core::{BoxError, Classify, Plain, run::boxed};
use tokio::{task::coop::consume_budget, time::sleep};

use crate::Retrier;

// === impl Retrier ===

impl Retrier {
    /// Runs the function until it succeeds or is not retried, and returns its last result. The function's argument is
    /// the number of the attempt, from 1.
    ///
    /// Every error is a failure, except a rejection by a handle or a layer inside, which is not retried. The error is
    /// boxed; [`run_with`](Self::run_with) keeps its type.
    ///
    /// ```
    /// use mainstay_retry::Retrier;
    ///
    /// # async fn connect() -> std::io::Result<()> { Ok(()) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mainstay_core::BoxError> {
    /// let retrier = Retrier::network("connect");
    /// retrier.run(|_attempt| connect()).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The function's last error.
    pub async fn run<T, E, F, Fut>(&self, mut function: F) -> Result<T, BoxError>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, |attempt| boxed(function(attempt))).await
    }

    /// Does the same as [`run`](Self::run), with a policy that classifies the results, `Ok` values included, and without
    /// boxing the error.
    ///
    /// ```
    /// use mainstay_core::EveryError;
    /// use mainstay_retry::Retrier;
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
        let mut state = self.start(None, None);
        loop {
            let result = function(state.attempt).await;
            let Some(retry) = self.record(&mut state, policy.classify(result.as_ref()), Ok(None)) else {
                return result;
            };
            policy.discard(result);
            match retry.delay.is_zero() {
                // Attempts that fail at once would otherwise run in one poll, and no other task of the thread.
                true => consume_budget().await,
                false => sleep(retry.delay).await,
            }
            self.start_retry(&mut state, retry);
        }
    }
}
