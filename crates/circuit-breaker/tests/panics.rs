//! A panic of a call counts when it happens, whatever catches it; a panic elsewhere says nothing.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, GateLayer, State};
use mainstay_core::{
    BoxError,
    test::{Probe, Reply, Request, call},
};
use tower::{Layer, Service};

const SECOND: Duration = Duration::from_secs(1);

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::with_settings("test", settings).unwrap()
}

/// Work that is run through the breaker, and a panic in `poll_ready`.
#[tokio::test(start_paused = true)]
async fn panic_of_work_and_of_readiness_is_a_failure() {
    fn panics<T>() -> T {
        std::panic::resume_unwind(Box::new("scripted"))
    }
    let breaker = breaker(BreakerSettings::default());
    let caught = |call: &mut dyn FnMut()| assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    let poll = |future: Pin<&mut dyn Future<Output = ()>>| {
        let _ = future.poll(&mut Context::from_waker(Waker::noop()));
    };
    let mut in_future = pin!(async { drop(breaker.run(|| async { panics::<Result<(), BoxError>>() }).await) });
    caught(&mut || poll(in_future.as_mut()));
    let in_function = || -> std::future::Ready<Result<(), BoxError>> { panics() };
    let mut in_function = pin!(async { drop(breaker.run(in_function).await) });
    caught(&mut || poll(in_function.as_mut()));
    let blocking = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.run_blocking(panics::<Result<(), BoxError>>).await }
    });
    assert!(blocking.await.unwrap_err().is_panic());
    assert_eq!(breaker.snapshot().failures, 3);

    #[derive(Clone)]
    struct Unready;
    impl Service<u32> for Unready {
        type Response = u32;
        type Error = BoxError;
        type Future = std::future::Ready<Result<u32, BoxError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            panics()
        }
        fn call(&mut self, id: u32) -> Self::Future {
            std::future::ready(Ok(id))
        }
    }
    let mut cx = Context::from_waker(Waker::noop());
    let mut refusing = CircuitBreakerLayer::with(breaker.clone()).layer(Unready);
    caught(&mut || drop(refusing.poll_ready(&mut cx)));
    let mut waiting = GateLayer::with(breaker.clone()).layer(Unready);
    caught(&mut || drop(waiting.poll_ready(&mut cx)));
    assert_eq!(breaker.snapshot().failures, 5);
}

/// A thread that panics elsewhere drops the permits of healthy calls; they counted as failures.
#[tokio::test(start_paused = true)]
async fn panic_of_the_caller_is_neutral() {
    let breaker = breaker(BreakerSettings { abandoned_after: Some(SECOND), ..BreakerSettings::default() });
    for _ in 0..3 {
        let (permit, probe) = (breaker.try_acquire().unwrap(), Probe::new());
        probe.always(Reply::Hang);
        let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe);
        let caller = tokio::spawn(async move {
            let _permit = permit;
            let mut hung = pin!(call(&mut service, Request::default()));
            let waited = tokio::time::timeout(2 * SECOND, hung.as_mut()).await;
            assert!(waited.is_ok(), "the caller panics, and drops its calls");
        });
        assert!(caller.await.unwrap_err().is_panic());
    }
    assert_eq!((breaker.state(), breaker.snapshot().failures), (State::Closed, 0));
}
