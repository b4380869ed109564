//! The function form: a limit around plain async or blocking code.

use std::{future::Future, panic::resume_unwind};

use mainstay_core::{BoxError, Reason};

use crate::{Limit, Permit};

impl Limit {
    /// Runs the work with a permit, queueing for it as [`acquire`](Self::acquire) does, and not longer than the
    /// execution timeout.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_bulkhead::Limit;
    ///
    /// let limit = Limit::new("files", 5)?;
    /// let text = limit.run(async { "42".parse::<u32>() }).await?;
    /// assert_eq!(text, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
    where
        E: Into<BoxError>,
    {
        self.acquire().await?.run(work).await
    }

    /// Runs blocking work with a permit, on tokio's threads for that. A thread can't be stopped: there is no execution
    /// timeout, and the permit comes back when the work ends, even if the caller has gone.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    ///
    /// # Panics
    /// If the work does.
    pub async fn run_blocking<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, BoxError>
    where
        T: Send + 'static,
        E: Into<BoxError> + Send + 'static,
    {
        let permit = self.acquire().await?;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match work.await {
            Ok(result) => result.map_err(Into::into),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // Only a runtime that shuts down cancels it.
                Err(cancelled) => Err(cancelled.into()),
            },
        }
    }
}

// === impl Permit ===

impl Permit {
    pub(crate) async fn run<T, E>(self, work: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
    where
        E: Into<BoxError>,
    {
        let result = match self.inner().execution_timeout() {
            None => work.await,
            Some(time) => match tokio::time::timeout(time, work).await {
                Ok(result) => result,
                Err(_) => return Err(self.inner().reject(Reason::AttemptTimeout).into()),
            },
        };
        result.map_err(Into::into)
    }
}
