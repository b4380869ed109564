//! Threads that share one handle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
};

use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer, Recovery};
use mainstay_core::{Reason, Refusal, Rejected};
use mainstay_tests::Echo;
use tower::{Layer, Service};

const THREADS: usize = 4;
const CALLS: usize = 20_000;

/// Asserts that every call of every thread is refused in its first poll. There is no runtime: a call that needs a timer
/// or a wake-up fails.
fn assert_refused_at_once<S>(service: &S, reason: Reason)
where
    S: Service<u64, Error: Refusal> + Clone + Send + Sync,
{
    let refuse = || {
        let (mut service, mut cx) = (service.clone(), Context::from_waker(Waker::noop()));
        for _ in 0..CALLS {
            let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) else { panic!("not ready at once") };
            match pin!(service.call(1)).poll(&mut cx) {
                Poll::Ready(Err(error)) => assert_eq!(error.rejected().map(Rejected::reason), Some(reason)),
                Poll::Ready(Ok(_)) => panic!("admitted"),
                Poll::Pending => panic!("not refused at once"),
            }
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(refuse))));
}

/// Defect of another library: a sleep of 1 ms on the refusing path under contention.
#[test]
fn contended_calls_are_refused_in_the_first_poll() {
    let open = Breaker::new("open");
    open.force_open("test");
    assert_refused_at_once(&CircuitBreakerLayer::with(open.clone()).layer(Echo), Reason::CircuitOpen);
    assert_eq!(open.snapshot().refused, (THREADS * CALLS) as u64);

    let tripped = Breaker::new("tripped");
    let mut settings = tripped.settings();
    settings.open.base = settings.open.max * 100;
    settings.open.max = settings.open.base;
    tripped.reconfigure(settings).unwrap();
    tripped.trip("test");
    assert_refused_at_once(&CircuitBreakerLayer::with(tripped).layer(Echo), Reason::CircuitOpen);

    let full = Limit::new("full", 1).unwrap();
    let _permit = full.try_acquire().unwrap();
    assert_refused_at_once(&BulkheadLayer::with(full.clone()).layer(Echo), Reason::BulkheadFull);
    assert_eq!(full.snapshot().rejected.full, (THREADS * CALLS) as u64);
}

#[test]
fn racing_threads_get_exactly_the_permitted_trials() {
    let breaker = Breaker::new("trials");
    let mut settings = breaker.settings();
    settings.recovery = Recovery::trials(1_000);
    settings.open.base = std::time::Duration::from_millis(1);
    settings.open.jitter = 0.0;
    breaker.reconfigure(settings).unwrap();
    breaker.trip("test");
    while breaker.try_acquire().is_err() {
        thread::yield_now();
    }
    let admitted = thread::scope(|scope| {
        let race = || (0..CALLS).filter_map(|_| breaker.try_acquire().ok()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(race)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(admitted.len(), 3);
    drop(admitted);
    assert!(breaker.try_acquire().is_ok(), "dropped trials free their permits");
}
