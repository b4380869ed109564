//! The stack of these tests, and its handles.

use std::time::Duration;

use mainstay_bulkhead::{Bulkhead, BulkheadLayer, Limit, LimitSettings};
use mainstay_circuit_breaker::{Breaker, CircuitBreaker, CircuitBreakerLayer};
use mainstay_core::{Backoff, test::Answer};
use mainstay_fallback::{Fallback, FallbackLayer, Value, value};
use mainstay_retry::{Retrier, Retry, RetryLayer, RetrySettings};
use mainstay_timeout::{TimeLimit, Timeout, TimeoutLayer};
use tower::Layer;

use mainstay_core::{Boxed, Plain};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The standard order around one dependency: fallback, total timeout, retry, breaker, bulkhead, attempt timeout.
pub(crate) struct All {
    pub(crate) fallback: FallbackLayer<Value<Answer>>,
    pub(crate) total: TimeLimit,
    pub(crate) retrier: Retrier,
    pub(crate) breaker: Breaker,
    pub(crate) limit: Limit,
    pub(crate) attempt: TimeLimit,
}

pub(crate) type Guarded<S> = CircuitBreaker<Bulkhead<Timeout<S>>>;
pub(crate) type Stack<S> = Fallback<Timeout<Retry<Guarded<S>, Plain, Boxed>>, Value<Answer>>;

impl All {
    /// Creates handles with this limit, retries after a millisecond, and a fallback that returns 0.
    pub(crate) fn new(limit: LimitSettings) -> Self {
        Self {
            fallback: FallbackLayer::new("fallback", value(Answer::from(0))),
            total: TimeLimit::total("total", 30 * SECOND).unwrap(),
            retrier: retrier(3),
            breaker: Breaker::new("breaker"),
            limit: Limit::with_settings("limit", limit).unwrap(),
            attempt: TimeLimit::attempt("attempt", 10 * SECOND).unwrap(),
        }
    }

    /// Returns the stack without the fallback, which would replace every error.
    pub(crate) fn without_fallback<S: Clone>(&self, inner: S) -> Timeout<Retry<Guarded<S>, Plain, Boxed>> {
        let guarded = CircuitBreakerLayer::with(self.breaker.clone()).layer(
            BulkheadLayer::with(self.limit.clone()).layer(TimeoutLayer::with(self.attempt.clone()).layer(inner)),
        );
        TimeoutLayer::with(self.total.clone()).layer(RetryLayer::with(self.retrier.clone()).layer(guarded))
    }
}

impl<S: Clone> Layer<S> for All {
    type Service = Stack<S>;

    fn layer(&self, inner: S) -> Stack<S> {
        self.fallback.layer(self.without_fallback(inner))
    }
}

/// A retrier with `max_attempts` attempts, a millisecond apart.
pub(crate) fn retrier(max_attempts: u32) -> Retrier {
    let settings = RetrySettings { max_attempts, backoff: Backoff::constant(MS), ..RetrySettings::default() };
    Retrier::with_settings("retry", settings).unwrap()
}

pub(crate) fn limited(limit: u32) -> LimitSettings {
    LimitSettings { limit, ..LimitSettings::default() }
}

pub(crate) fn queueing(limit: u32, queue: u32, max_wait: Duration) -> LimitSettings {
    LimitSettings { limit, queue, max_wait: Some(max_wait), ..LimitSettings::default() }
}
