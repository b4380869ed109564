//! tower-resilience 0.13.

use std::time::Duration;

use mainstay_benches::{Bare, Later, Page, Row, Served, Site, Tower, pattern, request};
use tower::{Layer, Service, ServiceBuilder};
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};
use tower_resilience_fallback::FallbackLayer;
use tower_resilience_retry::{RetryBudgetBuilder, RetryLayer};
use tower_resilience_timelimiter::TimeLimiterLayer;

use crate::answer::{Answer, opened};

const WHO: &str = "tower-resilience";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Returns the rows of its layers.
pub fn rows() -> Vec<Row> {
    let mut rows = breakers();
    rows.extend(others());
    rows.extend(bulkheads());
    rows.push(Row::new(pattern::STACK, WHO, Tower::new(four(), 1)));
    // Its fallback needs responses that are `Clone`, which those with boxed bodies are not.
    let served = ServiceBuilder::new()
        .layer(retry())
        .layer(breaker())
        .layer(BulkheadLayer::builder().max_concurrent_calls(64).reject_when_full().build().expect("a bulkhead"));
    rows.push(
        Row::new(pattern::SERVED, "tower-resilience (no fallback)", Served::new(served.service(Page))).over(Bare::Page),
    );
    rows
}

/// Returns its stack of four. Its events update metrics if these are compiled in.
pub fn four() -> impl Service<u64> + Clone + Send + 'static {
    ServiceBuilder::new()
        .layer(FallbackLayer::value(0_u64))
        .layer(retry())
        .layer(breaker())
        .layer(BulkheadLayer::builder().max_concurrent_calls(64).reject_when_full().build().expect("a bulkhead"))
        .service(Answer)
}

fn breaker() -> CircuitBreakerLayer<tower_resilience_circuitbreaker::DefaultClassifier> {
    CircuitBreakerLayer::builder().wait_duration_in_open(HOUR).build().expect("a breaker")
}

fn retry<Req, Res, E>() -> RetryLayer<Req, Res, E> {
    let budget = RetryBudgetBuilder::new().token_bucket().build().expect("a budget");
    RetryLayer::builder().max_attempts(3).budget(budget).build()
}

fn breakers() -> Vec<Row> {
    let slow = CircuitBreakerLayer::builder().slow_call_duration_threshold(SECOND).slow_call_rate_threshold(0.5);
    let mut rows = vec![
        Row::new(pattern::BREAKER, WHO, Tower::new(breaker().layer(Answer), 1)),
        Row::new(pattern::SLOW, WHO, Tower::new(slow.build().expect("a breaker").layer(Answer), 1)),
        Row::new(pattern::OPEN, WHO, opened(breaker().layer(Answer))).refusing(),
    ];
    for calls in [1_000, 3_000, 10_000] {
        rows.push(Row::growing(pattern::CALLS_IN_WINDOW, WHO, calls, move || filled(calls)));
    }
    rows
}

/// Returns a breaker with a time window, after `calls` calls.
fn filled(calls: u64) -> impl mainstay_benches::Drive {
    let timed = CircuitBreakerLayer::builder()
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(HOUR)
        .minimum_number_of_calls(100)
        .build()
        .expect("a breaker");
    let mut drive = Tower::new(timed.layer(Answer), 1);
    (0..calls).for_each(|_| _ = mainstay_benches::Drive::call(&mut drive));
    drive
}

fn bulkheads() -> Vec<Row> {
    let free = BulkheadLayer::builder().max_concurrent_calls(64).reject_when_full().build().expect("a bulkhead");
    let full = BulkheadLayer::builder().max_concurrent_calls(1).reject_when_full().build().expect("a bulkhead");
    let full = full.layer(tower::service_fn(|_: u64| std::future::pending::<Result<u64, crate::answer::Failed>>()));
    // Leaks a call that never ends and holds the permit.
    let mut holder = full.clone();
    let mut call = Box::pin(holder.call(1));
    let _ = call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    std::mem::forget(call);
    vec![
        Row::new(pattern::BULKHEAD, WHO, Tower::new(free.layer(Answer), 1)),
        // Its refusal waits for a timer of zero length, which takes a millisecond.
        Row::new(pattern::FULL, "tower-resilience (sleeps; wall time)", Tower::new(full, 1)).refusing().sleeping(),
    ]
}

fn others() -> Vec<Row> {
    let timeout = || TimeLimiterLayer::builder().timeout_duration(SECOND).build();
    vec![
        Row::new(pattern::RETRY, WHO, Tower::new(retry().layer(Answer), 1)),
        Row::new(pattern::FALLBACK, WHO, Tower::new(FallbackLayer::value(0_u64).layer(Answer), 1)),
        Row::new(pattern::TIMEOUT, WHO, Tower::new(timeout().layer(Answer), 1)),
        Row::new(pattern::ARMED, WHO, Tower::new(timeout().layer(Later), 1)).over(Bare::Later),
        Row::new(pattern::HTTP, WHO, Tower::new(retry().layer(Site), request())).over(Bare::Site),
    ]
}
