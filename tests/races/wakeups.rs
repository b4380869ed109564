//! A task that waits is woken by the change that it waits for, whenever the change comes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use mainstay_bulkhead::{BulkheadLayer, Limit, Permit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer, GateLayer};
use mainstay_core::BoxError;
use mainstay_failover::{Endpoint, Failover};
use tower::{Layer, Service};

use crate::round::{Woken, race};

/// A service that is ready, or pending for ever.
#[derive(Clone)]
struct Inner {
    ready: bool,
}

impl Service<()> for Inner {
    type Response = ();
    type Error = BoxError;
    type Future = std::future::Ready<Result<(), BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        std::future::ready(Ok(()))
    }
}

/// A service that a task polls for readiness, and the handle that another thread changes.
struct Waiting<S, H> {
    service: Mutex<S>,
    handle: H,
    woken: Arc<Woken>,
    pending: AtomicBool,
}

impl<S: Service<()>, H> Waiting<S, H> {
    fn new(service: S, handle: H) -> Self {
        Self { service: Mutex::new(service), handle, woken: Arc::default(), pending: AtomicBool::new(false) }
    }

    fn poll(&self) {
        let waker = Waker::from(self.woken.clone());
        let polled = self.service.lock().unwrap().poll_ready(&mut Context::from_waker(&waker));
        self.pending.store(polled.is_pending(), SeqCst);
    }

    /// The task sleeps, and nothing will wake it.
    fn hangs(&self) -> bool {
        self.pending.load(SeqCst) && !self.woken.get()
    }
}

/// 18 to 33 of 100,000 callers waited for ever at a closed breaker.
#[test]
fn caller_of_a_gate_is_woken_when_the_breaker_closes() {
    let make = || {
        let breaker = Breaker::new("race");
        breaker.force_open("test");
        Waiting::new(GateLayer::with(breaker.clone()).layer(Inner { ready: true }), breaker)
    };
    race(make, Waiting::poll, |waiting| waiting.handle.reset("test"), Waiting::hangs);
}

/// A caller waited for the readiness of a client behind an open breaker.
#[test]
fn caller_that_waits_for_the_inner_service_is_woken_when_the_breaker_opens() {
    let make = || {
        let breaker = Breaker::new("race");
        Waiting::new(CircuitBreakerLayer::with(breaker.clone()).layer(Inner { ready: false }), breaker)
    };
    race(make, Waiting::poll, |waiting| waiting.handle.trip("test"), Waiting::hangs);
}

#[test]
fn caller_that_waits_for_the_inner_service_is_woken_when_the_bulkhead_fills() {
    let make = || {
        let limit = Limit::new("race", 1).unwrap();
        let service = BulkheadLayer::with(limit.clone()).layer(Inner { ready: false });
        Waiting::new(service, (limit, Mutex::new(None::<Permit>)))
    };
    let fill = |waiting: &Waiting<_, (Limit, Mutex<Option<Permit>>)>| {
        *waiting.handle.1.lock().unwrap() = waiting.handle.0.try_acquire().ok();
    };
    race(make, Waiting::poll, fill, Waiting::hangs);
}

/// A caller waited for a primary that was left meanwhile, for as long as `ready_timeout`.
#[test]
fn caller_that_waits_for_the_primary_is_woken_when_it_is_left() {
    // Its clock never advances: only the change wakes the caller.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let make = || {
        let endpoints = [("a", false), ("b", true)].map(|(name, ready)| Endpoint::new(name, Inner { ready }));
        let failover = Failover::new("race", endpoints).unwrap();
        let handle = failover.handle().clone();
        Waiting::new(failover, handle)
    };
    let poll = |waiting: &Waiting<_, _>| {
        let _inside = runtime.enter();
        waiting.poll();
    };
    race(make, poll, |waiting| waiting.handle.take_out("a", "test").unwrap(), Waiting::hangs);
}
