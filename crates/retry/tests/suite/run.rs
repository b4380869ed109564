//! Tests of retries of plain functions.

use std::io;

use mainstay_core::{BoxError, FailureKind, Outcome, Reason, Rejected, classify_fn};
use mainstay_retry::{EveryError, Retrier, RetrySettings};
use tokio::time::Instant;

use crate::harness::{MS, plain, with};

#[tokio::test(start_paused = true)]
async fn function_is_run_until_it_succeeds() {
    let (retrier, start) = (plain(), Instant::now());
    let result =
        retrier.run(|attempt| async move { if attempt < 3 { Err(BoxError::from("no")) } else { Ok(attempt) } });
    assert_eq!(result.await.unwrap(), 3);
    assert_eq!(start.elapsed(), 300 * MS);
    assert_eq!(retrier.snapshot().succeeded_after_retry, 1);
}

#[tokio::test(start_paused = true)]
async fn policy_allows_any_error_type() {
    let retrier = plain();
    let failing = |_| async { Err::<(), _>(io::Error::from(io::ErrorKind::TimedOut)) };
    assert_eq!(retrier.run_with(EveryError, failing).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(retrier.snapshot().attempts, 3);
    let never_missing = classify_fn(|result: Result<&(), &io::Error>| match result.map_err(io::Error::kind) {
        Ok(()) => Outcome::Success,
        Err(io::ErrorKind::NotFound) => Outcome::ignored(),
        Err(_) => Outcome::failure(FailureKind::Network),
    });
    let missing = |_| async { Err(io::Error::from(io::ErrorKind::NotFound)) };
    retrier.run_with(never_missing, missing).await.unwrap_err();
    assert_eq!((retrier.snapshot().attempts, retrier.snapshot().ignored), (4, 1));
}

/// Defect of another library: attempts were spent on an open breaker.
#[tokio::test(start_paused = true)]
async fn rejection_inside_the_function_is_returned_at_once() {
    let retrier = plain();
    let refused = |_| async { Err::<(), BoxError>(Rejected::new(Reason::CircuitOpen, "db").into()) };
    retrier.run(refused).await.unwrap_err();
    assert_eq!((retrier.snapshot().attempts, retrier.snapshot().stopped.rejected), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn deadline_and_budget_apply_to_functions() {
    let failing = |_| async { Err::<(), _>(BoxError::from("no")) };
    let late = with(RetrySettings { deadline: Some(150 * MS), ..RetrySettings::default() });
    late.run(failing).await.unwrap_err();
    assert_eq!((late.snapshot().attempts, late.snapshot().stopped.deadline), (2, 1));
    let poor = Retrier::new("orders");
    poor.run(failing).await.unwrap_err();
    assert_eq!((poor.snapshot().attempts, poor.snapshot().stopped.budget), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn dropped_run_returns_its_token() {
    let retrier = Retrier::new("orders");
    let waiting = retrier.run(|_| async { Err::<(), _>(BoxError::from("no")) });
    let mut waiting = tokio_test::task::spawn(waiting);
    tokio_test::assert_pending!(waiting.poll());
    assert_eq!(retrier.snapshot().budget.unwrap().balance, 0.0);
    drop(waiting);
    assert_eq!(retrier.snapshot().budget.unwrap().balance, 1.0);
}

#[tokio::test(start_paused = true)]
async fn run_moves_into_a_task() {
    let retrier = plain();
    let task = tokio::spawn(async move { retrier.run(|n| async move { Ok::<_, BoxError>(n) }).await });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn blocking_function_runs_on_blocking_threads() {
    let (retrier, here) = (plain(), std::thread::current().id());
    let result = retrier.run_blocking(move |attempt| {
        let elsewhere = std::thread::current().id() != here;
        if attempt < 3 { Err(BoxError::from("no")) } else { Ok(elsewhere) }
    });
    assert!(result.await.unwrap());
    assert_eq!(retrier.snapshot().attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn panic_in_a_blocking_function_resumes_in_the_caller() {
    let task =
        tokio::spawn(async { plain().run_blocking(|_| -> Result<(), BoxError> { panic!("as scripted") }).await });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"as scripted"));
}
