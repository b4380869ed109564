//! A breaker around plain async or blocking code, without Tower.

use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use mainstay_core::{
    BoxError, Classify, Follow, Plain, Reason, Refusal, Rejected, on_panic,
    run::{blocking, boxed},
};

use crate::{Breaker, Permit, permit::PANIC};

impl Breaker {
    /// Runs the function, unless the breaker refuses. Every error is a failure, except a refusal by a handle or a layer
    /// inside. The error is boxed; [`run_with`](Self::run_with) keeps its type.
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
    /// The function's own error, or the refusal.
    pub async fn run<F, Fut, T, E>(&self, function: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, || boxed(function())).await
    }

    /// Does the same as [`run`](Self::run), with a policy that classifies the results, and with an error type that carries
    /// the refusal.
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: P, function: F) -> Result<T, E>
    where
        P: Classify<T, E> + Follow<T>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let mut permit = self.try_acquire()?;
        let mut running = pin!(on_panic(|| permit.record_in_place(PANIC), function));
        let result = poll_fn(|cx| on_panic(|| permit.record_in_place(PANIC), || running.as_mut().poll(cx))).await;
        let outcome = policy.classify(result.as_ref());
        match result {
            // The response began well and streams: its end is the outcome.
            Ok(response) if outcome.is_success() && policy.is_streaming(&response) => {
                Ok(policy.follow(response, permit.record_on_end()))
            }
            result => {
                permit.record(outcome);
                result
            }
        }
    }

    /// Does the same as [`run`](Self::run), for a blocking function, which runs on Tokio's threads for blocking work.
    ///
    /// The outcome is recorded when the function ends, even if the caller is gone. Outside of a runtime the function runs
    /// on the calling thread; a thread that makes many blocking calls can use [`try_acquire`](Self::try_acquire) itself.
    ///
    /// # Errors
    /// The function's own error, or the refusal; a refusal (draining) if the runtime shuts down.
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
        P: Classify<T, E> + Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        let permit = self.try_acquire()?;
        let result = blocking(move || run_here(permit, &policy, function)).await;
        result.unwrap_or_else(|| Err(Rejected::new(Reason::Draining, self.name()).into()))
    }
}

/// Runs the function on this thread, and records its outcome.
fn run_here<P, T, E>(mut permit: Permit, policy: &P, function: impl FnOnce() -> Result<T, E>) -> Result<T, E>
where
    P: Classify<T, E>,
{
    let result = on_panic(|| permit.record_in_place(PANIC), function);
    permit.record(policy.classify(result.as_ref()));
    result
}
