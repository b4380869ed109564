//! The names of the patterns: rows with the same one do the same work and stand side by side.

/// A closed breaker over the last 100 calls, to which only results matter.
pub const BREAKER: &str = "breaker closed, last 100";
/// It notices calls that are given up, too.
pub const ABANDONED: &str = "breaker noticing abandoned calls";
/// It notices slow calls, too.
pub const SLOW: &str = "breaker noticing slow calls";
/// A closed breaker over a span of time.
pub const TIMED: &str = "breaker closed, last 30 s";
/// A retry whose first try works.
pub const RETRY: &str = "retry, first try works";
/// A bulkhead with a free permit.
pub const BULKHEAD: &str = "bulkhead, free";
/// A fallback over what works.
pub const FALLBACK: &str = "fallback, not needed";
/// A timeout over what answers at once.
pub const TIMEOUT: &str = "attempt timeout, inner ready";
/// A timeout over what does not, so that its timer is armed.
pub const ARMED: &str = "attempt timeout, timer armed";
/// Two endpoints, of which the first is fine.
pub const FAILOVER: &str = "failover, primary fine";
/// The stack of four.
pub const STACK: &str = "fallback(retry(breaker(bulkhead)))";
/// The stack of four, counting every call.
pub const COUNTED: &str = "the same, every call counted";
/// Timeouts, retry, failover with a breaker for each endpoint.
pub const STANDARD: &str = "standard stack";
/// An open breaker.
pub const OPEN: &str = "open breaker refuses";
/// A bulkhead whose permits are taken.
pub const FULL: &str = "full bulkhead refuses";
/// A failover whose endpoints are all out of service.
pub const NONE: &str = "failover refuses, all are down";
/// A retry over an HTTP request that can be sent twice.
pub const HTTP: &str = "retry of an HTTP request, first try works";
/// What a rate limiter asks of its state, for scale.
pub const RATE: &str = "rate limit, below it";

/// The curve of a breaker over a span of time with so many calls in it.
pub const CALLS_IN_WINDOW: &str = "calls in the time window of a breaker";
/// The curve of breakers by key, of which there are so many.
pub const KEYS: &str = "keys of a keyed breaker";
/// The curve of a failover over so many endpoints.
pub const ENDPOINTS: &str = "endpoints of a failover";
/// The same for servers that clone their stack for every request.
pub const CLONES: &str = "endpoints of a failover that is cloned for every call";
