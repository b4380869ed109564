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
