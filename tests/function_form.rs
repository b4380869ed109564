//! Every handle runs plain and blocking functions, without Tower and in one form: `run`, `run_with(policy, ..)`,
//! `run_blocking`, `run_blocking_with(policy, ..)`.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    fmt::Debug,
    future::{Future, pending},
    io,
    sync::{
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

use mainstay_bulkhead::{KeyedLimits, Limit};
use mainstay_circuit_breaker::{Breaker, KeyedBreakers};
use mainstay_core::{EveryError, Plain, Reason, Refusal, Rejected};
use mainstay_failover::{Endpoint, FailoverHandle};
use mainstay_fallback::{FallbackHandle, Value, value};
use mainstay_retry::{Operation, Retrier, StrategyChooser};
use mainstay_tests::Error;
use mainstay_timeout::TimeLimit;

const SECOND: Duration = Duration::from_secs(1);

/// The functions that the handles run: an error of another crate, and a typed one that carries refusals.
async fn foreign() -> io::Result<u32> {
    Ok(7)
}

async fn typed() -> Result<u32, Error> {
    Ok(7)
}

fn foreign_blocking() -> io::Result<u32> {
    Ok(7)
}

fn typed_blocking() -> Result<u32, Error> {
    Ok(7)
}

/// Runs the call in a task of its own: inside an `async` block the compiler erases lifetimes.
async fn seven<E: Debug + Send + 'static>(call: impl Future<Output = Result<u32, E>> + Send + 'static) {
    assert_eq!(tokio::spawn(call).await.unwrap().unwrap(), 7);
}

macro_rules! runs {
    // A handle whose function has an argument.
    ($handle:expr, ($($before:expr),*) | $argument:ident |) => {{
        let handle = $handle;
        let shared = || handle.clone();
        let on = shared();
        seven(async move { on.run($($before,)* |$argument| foreign()).await }).await;
        let on = shared();
        seven(async move { on.run_with(Plain, $($before,)* |$argument| typed()).await }).await;
        let on = shared();
        seven(async move { on.run_blocking($($before,)* |$argument| foreign_blocking()).await }).await;
        let on = shared();
        seven(async move { on.run_blocking_with(Plain, $($before,)* |$argument| typed_blocking()).await }).await;
    }};
    ($handle:expr, ($($before:expr),*)) => {{
        let handle = $handle;
        let shared = || handle.clone();
        let on = shared();
        seven(async move { on.run($($before,)* foreign).await }).await;
        let on = shared();
        seven(async move { on.run_with(Plain, $($before,)* typed).await }).await;
        let on = shared();
        seven(async move { on.run_blocking($($before,)* foreign_blocking).await }).await;
        let on = shared();
        seven(async move { on.run_blocking_with(Plain, $($before,)* typed_blocking).await }).await;
    }};
}

#[tokio::test(start_paused = true)]
async fn each_handle_runs_foreign_typed_and_blocking_functions() {
    runs!(Retrier::new("retry"), () |_attempt|);
    runs!(StrategyChooser::new(), (Operation::Api) |_attempt|);
    runs!(Breaker::new("breaker"), ());
    runs!(KeyedBreakers::<u32>::new("shards"), (&3));
    runs!(Limit::new("limit", 1).unwrap(), ());
    runs!(KeyedLimits::<u32>::new("tenants", 1).unwrap(), (&3));
    runs!(TimeLimit::attempt("time", SECOND).unwrap(), ());
    runs!(FailoverHandle::new("replicas", [Endpoint::named("eu"), Endpoint::named("us")]).unwrap(), () |_endpoint|);
    static STEPS: std::sync::LazyLock<Value<u32>> = std::sync::LazyLock::new(|| value(0));
    runs!(FallbackHandle::new("fallback", &*STEPS), (&*STEPS, "a request") |_request|);
}

#[tokio::test(start_paused = true)]
async fn foreign_error_keeps_its_type_where_the_handle_makes_no_refusal() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let retried: io::Result<u32> =
        Retrier::new("retry").run_with(EveryError, |_attempt| async { Err(refused()) }).await;
    assert_eq!(retried.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let steps = value(0_u32);
    let fallback = FallbackHandle::new("fallback", &steps);
    let replaced = fallback.run_with(EveryError, &steps, (), |()| async { Err::<u32, _>(refused()) }).await;
    assert_eq!(replaced.unwrap(), 0);
    // `run` boxes the error itself, not a text of it.
    let boxed = Breaker::new("breaker").run(|| async { Err::<(), _>(refused()) }).await.unwrap_err();
    assert!(boxed.is::<io::Error>());
}

#[tokio::test(start_paused = true)]
async fn refusal_has_the_type_of_the_caller() {
    let breaker = Breaker::new("breaker");
    breaker.force_open("ann");
    let refused = |error: &Error| matches!(error, Error::Refused(refusal) if refusal.reason() == Reason::CircuitOpen);
    assert!(breaker.run_with(Plain, typed).await.is_err_and(|error| refused(&error)));
    assert!(breaker.run_blocking_with(Plain, typed_blocking).await.is_err_and(|error| refused(&error)));
    let boxed = breaker.run(foreign).await.unwrap_err();
    assert_eq!(boxed.rejected().map(Rejected::reason), Some(Reason::CircuitOpen));
}

/// The function is called only with a permit: a refused caller starts no work.
#[tokio::test(start_paused = true)]
async fn refused_function_is_not_called() {
    let (limit, calls) = (Limit::new("limit", 1).unwrap(), AtomicU32::new(0));
    let permit = limit.try_acquire().unwrap();
    let count = || {
        calls.fetch_add(1, Relaxed);
        typed()
    };
    limit.run_with(Plain, count).await.unwrap_err();
    assert_eq!(calls.load(Relaxed), 0);
    drop(permit);
    limit.run_with(Plain, count).await.unwrap();
    assert_eq!(calls.load(Relaxed), 1);
}

/// The permit, the outcome and the time belong to the work: they end with the thread, not with its caller.
#[tokio::test]
async fn blocking_work_whose_caller_is_gone_keeps_its_permit_and_records_its_outcome() {
    let (limit, breaker) = (Limit::new("limit", 1).unwrap(), Breaker::new("breaker"));
    let (unblock, blocked) = mpsc::channel::<()>();
    let (on_limit, on_breaker) = (limit.clone(), breaker.clone());
    let caller = tokio::spawn(async move {
        on_limit.run(|| on_breaker.run_blocking(move || blocked.recv().map_err(|_| io::Error::other("gone")))).await
    });
    while limit.snapshot().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    caller.await.unwrap_err();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let waits = breaker.clone();
    assert_eq!(breaker.snapshot().successes, 0);
    unblock.send(()).unwrap();
    // Blocking work ends on its own thread.
    std::thread::spawn(move || {
        while waits.snapshot().successes == 0 {
            std::thread::yield_now();
        }
        done.send(()).unwrap();
    });
    is_done.await.unwrap();
    assert_eq!((breaker.snapshot().successes, breaker.snapshot().dropped), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn time_limit_of_blocking_work_ends_the_wait() {
    let limit = TimeLimit::attempt("time", SECOND).unwrap();
    let error = limit.run(pending::<io::Result<()>>).await.unwrap_err();
    assert_eq!(error.rejected().map(Rejected::reason), Some(Reason::AttemptTimeout));
}
