//! What the handles share to run plain functions, without Tower.

use std::{future::Future, panic::resume_unwind};

use tokio::runtime::Handle;

use crate::BoxError;

/// Completes with the future's result, its error boxed.
///
/// # Errors
/// The future's error.
pub async fn boxed<T, E>(future: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
where
    E: Into<BoxError>,
{
    future.await.map_err(Into::into)
}

/// Runs a blocking function on Tokio's threads for blocking work, or on the calling thread if that is outside of a runtime.
///
/// A panic of the function passes to the caller. If the returned future is dropped, the function runs to its end. Returns
/// `None` if the runtime shuts down before the function starts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let length = mainstay_core::run::blocking(|| std::fs::read_to_string("Cargo.toml").map(|text| text.len())).await;
/// assert!(length.is_some_and(|length| length.is_ok()));
/// # }
/// ```
pub async fn blocking<T>(work: impl FnOnce() -> T + Send + 'static) -> Option<T>
where
    T: Send + 'static,
{
    let Ok(runtime) = Handle::try_current() else {
        return Some(work());
    };
    match runtime.spawn_blocking(work).await {
        Ok(output) => Some(output),
        // Nothing but the end of the runtime cancels the task.
        Err(error) => error.try_into_panic().map_or(None, |panic| resume_unwind(panic)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::mpsc,
        task::{Context, Poll, Waker},
        thread,
    };

    use super::*;

    #[tokio::test]
    async fn function_runs_on_another_thread_and_ends_without_its_caller() {
        let caller = thread::current().id();
        assert_ne!(blocking(move || thread::current().id()).await, Some(caller));

        let (start, started) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let mut dropped = Box::pin(blocking(move || {
            started.recv().unwrap();
            end.send(()).unwrap();
        }));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(dropped);
        start.send(()).unwrap();
        ended.recv().unwrap();
    }

    #[tokio::test]
    async fn panic_passes_to_the_caller() {
        let panics = tokio::spawn(blocking(|| std::panic::panic_any("no")));
        assert_eq!(panics.await.unwrap_err().into_panic().downcast_ref(), Some(&"no"));
    }

    #[test]
    fn function_outside_of_a_runtime_runs_on_the_calling_thread() {
        let id = pin!(blocking(|| thread::current().id())).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(id, Poll::Ready(Some(thread::current().id())));
    }
}
