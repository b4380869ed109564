//! The form for plain functions.

use std::io;

use mainstay_core::{BoxError, FailureKind, Outcome, Reason, Rejected, classify_fn};
use mainstay_retry::{EveryError, Retrier, RetrySettings};
use tokio::time::Instant;

use crate::kit::{MS, plain, with};

#[tokio::test(start_paused = true)]
async fn a_function_is_run_until_it_succeeds() {
    let (retrier, start) = (plain(), Instant::now());
    let result =
        retrier.run(|attempt| async move { if attempt < 3 { Err(BoxError::from("no")) } else { Ok(attempt) } });
    assert_eq!(result.await.unwrap(), 3);
    assert_eq!(start.elapsed(), 300 * MS);
    assert_eq!(retrier.snapshot().succeeded_after_retry, 1);
}

#[tokio::test(start_paused = true)]
async fn any_error_type_will_do_with_a_policy() {
    let retrier = plain();
    let failing = |_| async { Err::<(), _>(io::Error::from(io::ErrorKind::TimedOut)) };
    assert_eq!(retrier.run_with(EveryError, failing).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(retrier.snapshot().attempts, 3);
    let never_missing = classify_fn(|result: Result<&(), &io::Error>| match result.map_err(io::Error::kind) {
        Ok(()) => Outcome::Success,
        Err(io::ErrorKind::NotFound) => Outcome::Ignored,
        Err(_) => Outcome::failure(FailureKind::Network),
    });
    let missing = |_| async { Err(io::Error::from(io::ErrorKind::NotFound)) };
    retrier.run_with(never_missing, missing).await.unwrap_err();
    assert_eq!((retrier.snapshot().attempts, retrier.snapshot().ignored), (4, 1));
}

/// A peer: attempts burnt on an open breaker.
#[tokio::test(start_paused = true)]
async fn a_refusal_inside_is_returned_at_once() {
    let retrier = plain();
    let refused = |_| async { Err::<(), BoxError>(Rejected::new(Reason::CircuitOpen, "db").into()) };
    retrier.run(refused).await.unwrap_err();
    assert_eq!((retrier.snapshot().attempts, retrier.snapshot().gave_up.rejected), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn deadline_and_budget_hold_here_too() {
    let failing = |_| async { Err::<(), _>(BoxError::from("no")) };
    let late = with(RetrySettings { deadline: Some(150 * MS), ..RetrySettings::default() });
    late.run(failing).await.unwrap_err();
    assert_eq!((late.snapshot().attempts, late.snapshot().gave_up.deadline), (2, 1));
    let poor = Retrier::new("orders");
    poor.run(failing).await.unwrap_err();
    assert_eq!((poor.snapshot().attempts, poor.snapshot().gave_up.budget), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_gives_its_tokens_back() {
    let retrier = Retrier::new("orders");
    let waiting = retrier.run(|_| async { Err::<(), _>(BoxError::from("no")) });
    let mut waiting = tokio_test::task::spawn(waiting);
    tokio_test::assert_pending!(waiting.poll());
    assert_eq!(retrier.snapshot().budget.unwrap().balance, 0.0);
    drop(waiting);
    assert_eq!(retrier.snapshot().budget.unwrap().balance, 1.0);
}

/// May be spawned: nothing in it is bound to one thread.
#[tokio::test(start_paused = true)]
async fn a_run_moves_into_a_task() {
    let retrier = plain();
    let task = tokio::spawn(async move { retrier.run(|n| async move { Ok::<_, BoxError>(n) }).await });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[cfg(feature = "rt")]
#[tokio::test(start_paused = true)]
async fn a_blocking_function_runs_on_blocking_threads() {
    let (retrier, here) = (plain(), std::thread::current().id());
    let result = retrier.run_blocking(move |attempt| {
        let elsewhere = std::thread::current().id() != here;
        if attempt < 3 { Err(BoxError::from("no")) } else { Ok(elsewhere) }
    });
    assert!(result.await.unwrap());
    assert_eq!(retrier.snapshot().attempts, 3);
}

#[cfg(feature = "rt")]
#[tokio::test(start_paused = true)]
async fn a_panic_in_a_blocking_function_goes_on_in_the_caller() {
    let task = tokio::spawn(async { plain().run_blocking(|_| -> Result<(), BoxError> { panic!("as told") }).await });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"as told"));
}
