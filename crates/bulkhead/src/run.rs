//! A limit around plain async or blocking code, without Tower.

use std::future::Future;

use mainstay_core::{
    BoxError, Follow, Plain, Reason, Refusal, Rejected, has_runtime,
    run::{blocking, boxed},
};

use crate::{Limit, Permit};

impl Limit {
    /// Runs the function with a permit, which it takes as [`acquire`](Self::acquire) does, for at most the execution
    /// timeout. The error is boxed; [`run_with`](Self::run_with) keeps its type.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_bulkhead::Limit;
    ///
    /// let limit = Limit::new("files", 5)?;
    /// let number = limit.run(|| async { "42".parse::<u32>() }).await?;
    /// assert_eq!(number, 42);
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

    /// Does the same as [`run`](Self::run), with an error type that carries the refusal, and with a policy that
    /// [follows](Follow) the response: one that streams keeps the permit to its end.
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: P, function: F) -> Result<T, E>
    where
        P: Follow<T>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        run(self.acquire().await?, &policy, function).await
    }

    /// Runs work that holds its permit itself, and waits for it for at most the execution timeout.
    ///
    /// For work that goes on when its future is dropped: a task, a thread, a command of another process. With
    /// [`run`](Self::run) the permit comes back when the *wait* ends, so that more of such work runs than the limit allows.
    /// Here it comes back when the work drops it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_bulkhead::Limit;
    ///
    /// let limit = Limit::new("reports", 2)?;
    /// let report = limit.run_with_permit(|permit| {
    ///     tokio::spawn(async move {
    ///         let _permit = permit; // returned when this task ends
    ///         "report"
    ///     })
    /// });
    /// assert_eq!(report.await?, "report");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The work's own error, or the refusal: [`Reason::AttemptTimeout`] after the execution timeout.
    pub async fn run_with_permit<F, T, E>(&self, work: impl FnOnce(Permit) -> F) -> Result<T, BoxError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        run_with_permit(self.acquire().await?, |permit| boxed(work(permit))).await
    }

    /// Does the same as [`run`](Self::run), for a blocking function, which runs on Tokio's threads for blocking work. A
    /// thread cannot be stopped: the caller waits for at most the execution timeout, and the permit comes back when the
    /// function ends, even if the caller is gone.
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

    /// Does the same as [`run_blocking`](Self::run_blocking), with an error type that carries the refusal. The policy has
    /// no effect, because the result of a blocking function is complete.
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking_with<P, F, T, E>(&self, _policy: P, function: F) -> Result<T, E>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        run_blocking(self.acquire().await?, function).await
    }
}

/// Runs work that ends when it is dropped: the permit comes back with the end of the wait, or of a response that streams.
pub(crate) async fn run<P, F, Fut, T, E>(permit: Permit, policy: &P, function: F) -> Result<T, E>
where
    P: Follow<T>,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Refusal,
{
    let running = function();
    let result = match permit.inner().execution_timeout() {
        None => running.await,
        Some(_) if !has_runtime() => return Err(permit.reject(Reason::NoRuntime).into()),
        Some(time) => match tokio::time::timeout(time, running).await {
            Ok(result) => result,
            Err(_) => return Err(permit.reject(Reason::AttemptTimeout).into()),
        },
    };
    match result {
        Ok(response) if policy.is_streaming(&response) => Ok(policy.follow(response, move |_| drop(permit))),
        result => result,
    }
}

/// Runs work that holds its permit, and waits for it for at most the execution timeout.
pub(crate) async fn run_with_permit<F, Fut, T, E>(permit: Permit, function: F) -> Result<T, E>
where
    F: FnOnce(Permit) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Refusal,
{
    let limit = permit.shared().clone();
    let running = function(permit);
    match limit.execution_timeout() {
        None => running.await,
        Some(_) if !has_runtime() => Err(limit.reject(Reason::NoRuntime).into()),
        Some(time) => match tokio::time::timeout(time, running).await {
            Ok(result) => result,
            Err(_) => Err(limit.reject(Reason::AttemptTimeout).into()),
        },
    }
}

/// Runs a blocking function, which holds the permit.
pub(crate) async fn run_blocking<F, T, E>(permit: Permit, function: F) -> Result<T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Refusal + Send + 'static,
{
    if !has_runtime() {
        return Err(permit.reject(Reason::NoRuntime).into());
    }
    let name = permit.inner().name.clone();
    let on_thread = |permit: Permit| async {
        let result = blocking(move || {
            let _permit = permit;
            function()
        });
        result.await.unwrap_or_else(|| Err(Rejected::new(Reason::Draining, name).into()))
    };
    run_with_permit(permit, on_thread).await
}
