//! Work that runs with a permit, without Tower: with the permit in the wait, or in the work.

use std::{future::Future, panic::resume_unwind};

use mainstay_core::{BoxError, Reason, has_runtime};

use crate::Permit;

/// Runs work that ends when it is dropped: the permit comes back with the end of the wait.
pub(crate) async fn run<T, E>(permit: Permit, work: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
where
    E: Into<BoxError>,
{
    let result = match permit.inner().execution_timeout() {
        None => work.await,
        Some(_) if !has_runtime() => return Err(permit.reject(Reason::NoRuntime).into()),
        Some(time) => match tokio::time::timeout(time, work).await {
            Ok(result) => result,
            Err(_) => return Err(permit.reject(Reason::AttemptTimeout).into()),
        },
    };
    result.map_err(Into::into)
}

/// Runs work that holds its permit, and waits for it for at most the execution timeout.
pub(crate) async fn run_with_permit<F, T, E>(permit: Permit, work: impl FnOnce(Permit) -> F) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    let limit = permit.shared().clone();
    let work = work(permit);
    let result = match limit.execution_timeout() {
        None => work.await,
        Some(_) if !has_runtime() => return Err(limit.reject(Reason::NoRuntime).into()),
        Some(time) => match tokio::time::timeout(time, work).await {
            Ok(result) => result,
            Err(_) => return Err(limit.reject(Reason::AttemptTimeout).into()),
        },
    };
    result.map_err(Into::into)
}

/// Runs blocking work, which holds the permit, on tokio's threads for blocking work. Waits for it for at most the execution
/// timeout.
pub(crate) async fn run_blocking<T, E>(
    permit: Permit,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, BoxError>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    if !has_runtime() {
        return Err(permit.reject(Reason::NoRuntime).into());
    }
    run_with_permit(permit, |permit| spawn_blocking(permit, work)).await
}

async fn spawn_blocking<T, E>(
    permit: Permit,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, BoxError>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    match work.await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime shuts down: nothing else cancels the task.
            Err(cancelled) => Err(cancelled.into()),
        },
    }
}
