//! Calls that the end of a runtime or of a thread drops say nothing about the dependency.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{cell::RefCell, time::Duration};

use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, State};
use mainstay_core::BoxError;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::sleep,
};
use tower::{Layer, ServiceExt, service_fn};

const CALLS: usize = 30;
/// The shortest setting, so that calls can be old enough in a runtime whose clock cannot be paused.
const ABANDONED_AFTER: Duration = Duration::from_millis(1);

fn breaker() -> Breaker {
    let settings = BreakerSettings { abandoned_after: Some(ABANDONED_AFTER), ..BreakerSettings::default() };
    Breaker::with_settings("orders", settings).unwrap()
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_time().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap(),
    ]
}

/// Starts calls that hang for longer than `abandoned_after`.
fn hang(runtime: &Runtime, breaker: &Breaker) -> Vec<JoinHandle<Result<(), BoxError>>> {
    let calls = (0..CALLS).map(|_| {
        let hangs = service_fn(|()| std::future::pending::<Result<(), BoxError>>());
        let layer: CircuitBreakerLayer = CircuitBreakerLayer::with(breaker.clone());
        runtime.spawn(layer.layer(hangs).oneshot(()))
    });
    let calls = calls.collect();
    runtime.block_on(async { sleep(10 * ABANDONED_AFTER).await });
    calls
}

/// Defect: 30 healthy calls of one runtime that ended opened the breaker of another one.
#[test]
fn runtime_that_ends_opens_no_shared_breaker() {
    let ends: [fn(Runtime); 3] =
        [drop, Runtime::shutdown_background, |runtime| runtime.shutdown_timeout(Duration::from_secs(10))];
    for end in ends {
        for runtime in runtimes() {
            let breaker = breaker();
            let calls = hang(&runtime, &breaker);
            end(runtime);
            // The end of each task, in whatever thread it is dropped.
            let other = Builder::new_current_thread().build().unwrap();
            for call in calls {
                assert!(other.block_on(call).unwrap_err().is_cancelled());
            }
            let snapshot = breaker.snapshot();
            assert_eq!((snapshot.state, snapshot.abandoned, snapshot.failures), (State::Closed, 0, 0));
        }
    }
}

#[test]
fn tasks_that_a_live_runtime_aborts_open_the_breaker() {
    for runtime in runtimes() {
        let breaker = breaker();
        for call in hang(&runtime, &breaker) {
            call.abort();
            assert!(runtime.block_on(call).unwrap_err().is_cancelled());
        }
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.abandoned), (State::Open, CALLS as u64));
    }
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

#[test]
fn thread_that_ends_with_its_runtime_opens_no_breaker() {
    let breaker = breaker();
    let shared = breaker.clone();
    let thread = std::thread::spawn(move || {
        RUNTIME.with_borrow_mut(|runtime| {
            let runtime = runtime.insert(Builder::new_current_thread().enable_time().build().unwrap());
            hang(runtime, &shared);
        });
    });
    thread.join().unwrap();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.abandoned), (State::Closed, 0));
}
