//! Counters that handles own and pages pull from.
//!
//! Counting every call must not cost a locked operation: with one writer per thread a count is a load and a
//! store (0.9 ns; a shared `fetch_add` is 7-8 ns, and 35-110 when two threads share the line), and the sum is
//! exact once the writers are still. It takes up to 10 KB a handle and allocates on a thread's first touch, so
//! it is for named handles; handles made by the thousand (keyed breakers) take shared atomics. Stripes with
//! load and store were rejected: they lose counts.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use thread_local::ThreadLocal;

/// `N` counters of one handle.
///
/// ```
/// use mainstay_core::Counters;
///
/// let calls: Counters<2> = Counters::per_thread();
/// calls.add(0);
/// calls.add(0);
/// calls.add(1);
/// assert_eq!(calls.read(), [2, 1]);
/// ```
pub struct Counters<const N: usize>(Repr<N>);

enum Repr<const N: usize> {
    PerThread(Box<ThreadLocal<Apart<N>>>),
    Shared([AtomicU64; N]),
}

/// One thread's counters, on cache lines of their own: beside those of another thread each count would take the line
/// away from it. Two lines, because they are fetched in pairs.
#[repr(align(128))]
struct Apart<const N: usize>([AtomicU64; N]);

// === impl Counters ===

impl<const N: usize> Counters<N> {
    /// One set per thread: the quickest to count, for handles with a name.
    #[must_use]
    pub fn per_thread() -> Self {
        Self(Repr::PerThread(Box::default()))
    }

    /// One set in all: small, for handles made by the thousand.
    #[must_use]
    pub fn shared() -> Self {
        Self(Repr::Shared(zeros()))
    }

    /// Counts one.
    #[inline]
    pub fn add(&self, index: usize) {
        self.add_many(index, 1);
    }

    /// Counts `n`.
    #[inline]
    pub fn add_many(&self, index: usize, n: u64) {
        let _ = self.add_and_get(index, n);
    }

    /// Counts `n`, and gives what this thread (or with shared counters, everybody) has counted so far.
    #[inline]
    pub fn add_and_get(&self, index: usize, n: u64) -> u64 {
        match &self.0 {
            Repr::PerThread(threads) => {
                // This thread is the only writer of its counters.
                let counter = &threads.get_or(|| Apart(zeros())).0[index];
                let count = counter.load(Relaxed).wrapping_add(n);
                counter.store(count, Relaxed);
                count
            }
            Repr::Shared(counters) => counters[index].fetch_add(n, Relaxed).wrapping_add(n),
        }
    }

    /// The sums.
    #[must_use]
    pub fn read(&self) -> [u64; N] {
        match &self.0 {
            Repr::PerThread(threads) => threads.iter().fold([0; N], |mut sums, counters| {
                for (sum, counter) in sums.iter_mut().zip(&counters.0) {
                    *sum = sum.wrapping_add(counter.load(Relaxed));
                }
                sums
            }),
            Repr::Shared(counters) => std::array::from_fn(|i| counters[i].load(Relaxed)),
        }
    }

    /// One sum.
    #[must_use]
    pub fn get(&self, index: usize) -> u64 {
        self.read()[index]
    }
}

impl<const N: usize> fmt::Debug for Counters<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.read()).finish()
    }
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_lost_between_threads() {
        for counters in [Counters::<2>::per_thread(), Counters::<2>::shared()] {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..10_000).for_each(|i| counters.add(i % 2)));
                }
            });
            assert_eq!(counters.read(), [20_000, 20_000]);
        }
    }
}
