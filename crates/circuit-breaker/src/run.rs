//! A breaker around plain async or blocking code, without Tower.

use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use mainstay_core::{BoxError, Classify, Plain, Refusal, on_panic};

use crate::{Breaker, permit::PANIC};

impl Breaker {
    /// Runs the work through the breaker. Every error is a failure, except a refusal by a Mainstay layer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_circuit_breaker::Breaker;
    ///
    /// let breaker = Breaker::new("files");
    /// let text = breaker.run(|| async { "42".parse::<u32>() }).await?;
    /// assert_eq!(text, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run<F, Fut, T, E>(&self, work: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(&Plain, || async { work().await.map_err(Into::into) }).await
    }

    /// Runs the work through the breaker. The policy classifies results; the error type carries refusals.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: &P, work: F) -> Result<T, E>
    where
        P: Classify<T, E>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let mut permit = self.try_acquire()?;
        let mut work = pin!(on_panic(|| permit.record_in_place(PANIC), work));
        let result = poll_fn(|cx| on_panic(|| permit.record_in_place(PANIC), || work.as_mut().poll(cx))).await;
        permit.record(policy.classify(result.as_ref()));
        result
    }

    /// Runs blocking work through the breaker, on the calling thread. Inside a runtime, call it from `spawn_blocking`.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub fn run_blocking<F, T, E>(&self, work: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Result<T, E>,
        E: Into<BoxError>,
    {
        let mut permit = self.try_acquire()?;
        let result = on_panic(|| permit.record_in_place(PANIC), work).map_err(Into::into);
        permit.record(Plain.classify(result.as_ref()));
        result
    }
}
