//! The counters of one failover: their positions in its [`Counters`](mainstay_core::Counters).

/// Second attempts started because the first attempt failed.
pub(crate) const SECOND_ON_ERROR: usize = 0;
/// Second attempts started because the first attempt gave no answer within the delay, or because its endpoint was left
/// meanwhile.
pub(crate) const SECOND_ON_DELAY: usize = 1;
/// Second attempts whose answer the caller got.
pub(crate) const SECOND_WON: usize = 2;
/// Second attempts that the budget refused.
pub(crate) const SECOND_REFUSED: usize = 3;
/// Requests refused because no endpoint was usable.
pub(crate) const REFUSED: usize = 4;
/// Requests that failed at every endpoint that was asked.
pub(crate) const FAILED_EVERYWHERE: usize = 5;
/// How many counters there are.
pub(crate) const COUNTERS: usize = 6;
