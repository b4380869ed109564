//! The endpoints that one request has asked, and what was counted against them.
//!
//! One word for each failover: its id in the upper half, two bits for each endpoint in the lower. The bits only rise, so
//! that all copies of a request share the words without a lock, and each failure is counted once. A second word holds
//! the failover's epoch at the first failure: what was found in an older epoch proves nothing in this one.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

/// The endpoints that one request has asked, for each failover that it passed: see
/// [`RequestContext::asked_endpoints`](crate::RequestContext::asked_endpoints).
///
/// It holds the first 16 endpoints of two failovers, one inside the other. Nothing is recorded of others: each call of
/// such a failover is a request of its own.
///
/// ```
/// use mainstay_core::{Asked, AskedEndpoints, FailoverId};
///
/// let (failover, endpoints) = (FailoverId::new(), AskedEndpoints::default());
/// assert_eq!(endpoints.raise(failover, 0, Asked::Unproven), Some(Asked::No));
/// // The same request failed there again: the failure is counted already.
/// assert_eq!(endpoints.raise(failover, 0, Asked::Unproven), Some(Asked::Unproven));
/// // Another endpoint answered well, which proves it.
/// assert_eq!(endpoints.raise(failover, 0, Asked::Proven), Some(Asked::Unproven));
/// assert_eq!((endpoints.get(failover, 0), endpoints.get(failover, 1)), (Asked::Proven, Asked::No));
/// ```
#[derive(Debug, Default)]
pub struct AskedEndpoints([Entry; FAILOVERS]);

/// What is kept for one failover.
#[derive(Debug, Default)]
struct Entry {
    /// The failover's id and the endpoints' states; 0 while the entry is free.
    word: AtomicU64,
    /// The failover's epoch at the first failure, plus 1; 0 before it.
    epoch: AtomicU64,
}

/// How far the evidence of one request against one endpoint has come. It only rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// The request was not sent to the endpoint.
    #[default]
    No,
    /// The request was sent to the endpoint, and nothing was counted.
    Yes,
    /// A failure was counted, and no other endpoint has answered the request well.
    Unproven,
    /// A failure was counted, and another endpoint has answered the request well.
    Proven,
}

crate::labels! {
    Asked:
    No => "no",
    Yes => "yes",
    Unproven => "unproven",
    Proven => "proven",
}

/// The identity of a failover within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailoverId(u32);

const FAILOVERS: usize = 2;
const ENDPOINTS: usize = 16;

// === impl AskedEndpoints ===

impl AskedEndpoints {
    /// Raises the state of an endpoint, and returns the state before. `None` if there is no place for it.
    ///
    /// Of several copies of a request that raise it to the same state at once, one gets a lower state back.
    pub fn raise(&self, failover: FailoverId, endpoint: usize, to: Asked) -> Option<Asked> {
        let Entry { word, .. } = self.entry(failover).filter(|_| endpoint < ENDPOINTS)?;
        let raised = |word: u64| (to > state(word, endpoint)).then(|| with_state(word, endpoint, to));
        let before = word.fetch_update(AcqRel, Acquire, raised).unwrap_or_else(|unchanged| unchanged);
        Some(state(before, endpoint))
    }

    /// Returns the state of an endpoint.
    #[must_use]
    pub fn get(&self, failover: FailoverId, endpoint: usize) -> Asked {
        match self.word(failover) {
            Some(word) if endpoint < ENDPOINTS => state(word, endpoint),
            _ => Asked::No,
        }
    }

    /// Returns whether the request was sent to any endpoint of this failover.
    #[must_use]
    #[inline]
    pub fn is_any(&self, failover: FailoverId) -> bool {
        self.word(failover).is_some_and(|word| word as u32 != 0)
    }

    /// Returns the endpoints that the request was sent to, with their states.
    pub fn iter(&self, failover: FailoverId) -> impl Iterator<Item = (usize, Asked)> + use<> {
        let word = self.word(failover).unwrap_or(0);
        (0..ENDPOINTS).map(move |endpoint| (endpoint, state(word, endpoint))).filter(|(_, state)| *state != Asked::No)
    }

    /// Returns whether the failover is still in the epoch of this request's first failure there. The first call sets that
    /// epoch.
    pub fn is_in_epoch(&self, failover: FailoverId, epoch: u64) -> bool {
        let Some(Entry { epoch: first, .. }) = self.entry(failover) else { return false };
        let now = epoch.wrapping_add(1);
        first.compare_exchange(0, now, AcqRel, Acquire).map_or_else(|first| first == now, |_| true)
    }

    #[inline]
    fn word(&self, failover: FailoverId) -> Option<u64> {
        self.0.iter().map(|entry| entry.word.load(Acquire)).find(|word| is_of(*word, failover))
    }

    /// The entry of this failover, which is taken if it has none.
    fn entry(&self, failover: FailoverId) -> Option<&Entry> {
        let fresh = u64::from(failover.0) << 32;
        self.0.iter().find(|entry| match entry.word.compare_exchange(0, fresh, AcqRel, Acquire) {
            Ok(_) => true,
            Err(taken) => is_of(taken, failover),
        })
    }
}

const fn is_of(word: u64, failover: FailoverId) -> bool {
    word >> 32 == failover.0 as u64
}

fn state(word: u64, endpoint: usize) -> Asked {
    match (word >> (2 * endpoint)) & 3 {
        0 => Asked::No,
        1 => Asked::Yes,
        2 => Asked::Unproven,
        _ => Asked::Proven,
    }
}

const fn with_state(word: u64, endpoint: usize, state: Asked) -> u64 {
    (word & !(3 << (2 * endpoint))) | ((state as u64) << (2 * endpoint))
}

// === impl FailoverId ===

impl FailoverId {
    /// Creates an id that no other failover of this process has.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "each call returns another id")]
    pub fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        // Zero marks a word that is not taken.
        Self(LAST.fetch_add(1, Relaxed).wrapping_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_only_rises_and_endpoints_are_independent() {
        let (id, endpoints) = (FailoverId::new(), AskedEndpoints::default());
        for endpoint in 0..ENDPOINTS {
            assert_eq!(endpoints.get(id, endpoint), Asked::No);
            assert_eq!(endpoints.raise(id, endpoint, Asked::Proven), Some(Asked::No));
            assert_eq!(endpoints.raise(id, endpoint, Asked::Yes), Some(Asked::Proven));
            assert_eq!(endpoints.get(id, endpoint), Asked::Proven);
        }
        assert_eq!(endpoints.raise(id, ENDPOINTS, Asked::Yes), None);
        assert_eq!(endpoints.get(id, ENDPOINTS), Asked::No);
    }

    #[test]
    fn two_failovers_are_recorded_apart_and_a_third_is_not() {
        let (ids, endpoints) = ([FailoverId::new(), FailoverId::new(), FailoverId::new()], AskedEndpoints::default());
        assert_eq!(endpoints.raise(ids[0], 3, Asked::Yes), Some(Asked::No));
        assert_eq!(endpoints.raise(ids[1], 3, Asked::Unproven), Some(Asked::No));
        assert_eq!(endpoints.raise(ids[2], 3, Asked::Yes), None);
        assert_eq!(ids.map(|id| endpoints.get(id, 3)), [Asked::Yes, Asked::Unproven, Asked::No]);
    }

    #[test]
    fn asked_endpoints_are_listed_and_the_epoch_of_the_first_failure_stays() {
        let (ids, endpoints) = ([FailoverId::new(), FailoverId::new(), FailoverId::new()], AskedEndpoints::default());
        assert!(!endpoints.is_any(ids[0]));
        assert!(endpoints.is_in_epoch(ids[0], 7) && !endpoints.is_any(ids[0]));
        endpoints.raise(ids[0], 15, Asked::Yes);
        endpoints.raise(ids[0], 2, Asked::Unproven);
        assert_eq!(Vec::from_iter(endpoints.iter(ids[0])), [(2, Asked::Unproven), (15, Asked::Yes)]);
        assert!(endpoints.is_any(ids[0]) && !endpoints.is_any(ids[1]));
        assert!(!endpoints.is_in_epoch(ids[0], 8) && endpoints.is_in_epoch(ids[0], 7));
        assert!(endpoints.is_in_epoch(ids[1], 8));
        assert!(!endpoints.is_in_epoch(ids[2], 8), "there is no place for a third failover");
        assert_eq!(endpoints.iter(ids[2]).count(), 0);
    }

    #[test]
    fn one_of_many_copies_counts_a_failure() {
        let (id, endpoints) = (FailoverId::new(), AskedEndpoints::default());
        for state in [Asked::Unproven, Asked::Proven] {
            let count = || endpoints.raise(id, 5, state).is_some_and(|before| before < state);
            let counted = std::thread::scope(|scope| {
                let copies: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
                copies.into_iter().filter_map(|copy| copy.join().ok()).filter(|counted| *counted).count()
            });
            assert_eq!(counted, 1, "{state:?}");
        }
    }
}
