//! The names of the patterns. Rows of one pattern do the same work, and are neighbours in the table.

/// A closed breaker over the last 100 calls, without abandoned and slow calls.
pub const BREAKER: &str = "breaker closed, last 100";
/// The same, counting abandoned calls too.
pub const ABANDONED: &str = "breaker noticing abandoned calls";
/// The same, counting slow calls too.
pub const SLOW: &str = "breaker noticing slow calls";
/// A closed breaker with a time window.
pub const TIMED: &str = "breaker closed, last 30 s";
/// A retry whose first attempt succeeds.
pub const RETRY: &str = "retry, first try works";
/// A bulkhead with a free permit.
pub const BULKHEAD: &str = "bulkhead, free";
/// A fallback around a service that succeeds.
pub const FALLBACK: &str = "fallback, not needed";
/// A timeout around a service that responds in the first poll.
pub const TIMEOUT: &str = "attempt timeout, inner ready";
/// A timeout around a service that responds in the second poll, so that its timer is armed.
pub const ARMED: &str = "attempt timeout, timer armed";
/// Two endpoints, the first of which is healthy.
pub const FAILOVER: &str = "failover, primary fine";
/// The stack of four.
pub const STACK: &str = "fallback(retry(breaker(bulkhead)))";
/// The stack of four, counting every call.
pub const COUNTED: &str = "the same, every call counted";
/// Timeouts, retry, failover with a breaker for each endpoint.
pub const STANDARD: &str = "standard stack";
/// An open breaker.
pub const OPEN: &str = "open breaker refuses";
/// A bulkhead without free permits.
pub const FULL: &str = "full bulkhead refuses";
/// A failover whose endpoints are all taken out of service.
pub const NONE: &str = "failover refuses, all are down";
/// A retry of an HTTP request that can be sent twice.
pub const HTTP: &str = "retry of an HTTP request, first try works";
/// The stack of four as a server drives it: cloned for each HTTP request, with boxed bodies that are read to the end.
pub const SERVED: &str = "four layers, HTTP, cloned for each request";
/// The standard stack as a server drives it.
pub const SERVED_STANDARD: &str = "standard stack, HTTP, cloned for each request";
/// A condition over facts.
pub const CONDITION: &str = "condition of two comparisons";
/// A rate limiter, for comparison.
pub const RATE: &str = "rate limit, below it";

/// A curve: a breaker with a time window, by the calls in it.
pub const CALLS_IN_WINDOW: &str = "calls in the time window of a breaker";
/// A curve: breakers by key, by the number of keys.
pub const KEYS: &str = "keys of a keyed breaker";
/// A curve: a failover, by the number of endpoints.
pub const ENDPOINTS: &str = "endpoints of a failover";
/// The same, cloned for every call, as some servers do.
pub const CLONES: &str = "endpoints of a failover that is cloned for every call";
