//! Behaviour of established libraries, as their test suites assert it; each test names its vector.

use mainstay_core::{Class, Classify, Outcome, Plain, Refusal, Rejected, classify_fn, test::call};
use mainstay_fallback::FallbackLayer;
use tower::{Layer, service_fn};

#[derive(Clone, Debug, PartialEq)]
enum Error {
    InvalidOperation,
    InvalidArgument,
    Argument,
    Cancelled,
    Refused(Rejected),
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl Refusal for Error {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            _ => None,
        }
    }

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.rejected().map(|rejected| rejected as _)
    }
}

/// Runs one vector; `handle` returns whether a result is a failure. Returns the result and the number of fallbacks.
async fn run<T: Clone + Send + Sync + 'static>(
    handle: impl Fn(Result<&T, &Error>) -> bool + Clone,
    inner: Result<T, Error>,
    fallback: T,
) -> (Result<T, Error>, u64) {
    let policy = classify_fn(move |result: Result<&T, &Error>| match (handle(result), result) {
        (true, _) => Outcome::failure(mainstay_core::FailureKind::Unknown),
        (false, Ok(_)) => Outcome::Success,
        (false, Err(_)) => Outcome::ignored(),
    });
    let layer = FallbackLayer::value("fallback", fallback).with_policy(policy).with_error::<Error>();
    let service = service_fn(|()| std::future::ready(inner.clone()));
    let result = call(&mut layer.layer(service), ()).await;
    (result, layer.handle().snapshot().answered)
}

/// fb-pol-01-result
#[tokio::test(start_paused = true)]
async fn handled_result_is_replaced() {
    let (result, calls) = run(|result| result == Ok(&"error"), Ok("error"), "success").await;
    assert_eq!((result, calls), (Ok("success"), 1));
}

/// fb-pol-03-unhandled-exception-passes
#[tokio::test(start_paused = true)]
async fn unhandled_error_is_returned() {
    let handle = |result: Result<&&str, &Error>| result == Err(&Error::InvalidOperation);
    let (result, calls) = run(handle, Err(Error::Argument), "secondary").await;
    assert_eq!((result, calls), (Err(Error::Argument), 0));
}

/// fb-fsg-01-value
#[tokio::test(start_paused = true)]
async fn value_replaces_any_error() {
    let (result, calls) = run(|result| result.is_err(), Err(Error::InvalidArgument), true).await;
    assert_eq!((result, calls), (Ok(true), 1));
}

/// fb-fsg-03-not-needed
#[tokio::test(start_paused = true)]
async fn success_needs_no_fallback() {
    let (result, calls) = run(|result| result.is_err(), Ok(false), true).await;
    assert_eq!((result, calls), (Ok(false), 0));
}

/// fb-fsg-05-cancelled-skips-fallback: a cancellation that is returned as an error is `Ignored`.
#[tokio::test(start_paused = true)]
async fn cancellation_error_is_returned() {
    let handle = |result: Result<&&str, &Error>| matches!(result, Err(error) if *error != Error::Cancelled);
    let (result, calls) = run(handle, Err(Error::Cancelled), "x").await;
    assert_eq!((result, calls), (Err(Error::Cancelled), 0));
}

/// fb-fsg-05-cancelled-skips-fallback, as in Rust: the caller drops the call.
#[tokio::test(start_paused = true)]
async fn dropped_call_runs_no_step() {
    let layer = FallbackLayer::value("fallback", "x");
    let mut service = layer.layer(service_fn(|()| std::future::pending::<Result<&str, std::io::Error>>()));
    let moment = std::time::Duration::from_millis(10);
    assert!(tokio::time::timeout(moment, call(&mut service, ())).await.is_err());
    assert_eq!(layer.handle().snapshot().needed, 0);
}

#[test]
fn plain_classifies_every_error_as_a_failure() {
    let outcome = Classify::<(), Error>::classify(&Plain, Err(&Error::InvalidArgument));
    assert_eq!(outcome.class(), Class::Failure);
}
