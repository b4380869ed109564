//! Counters of a handle, read by snapshots.
//!
//! Counting a call costs no locked operation: each thread has its own counters and counts with a load and a store
//! (0.9 ns; a shared `fetch_add` takes 7-8 ns, and 35-110 ns if two threads share the cache line). The sum is exact once
//! all writers are idle. Per-thread counters take up to 10 KB for a handle and allocate when a thread counts for the
//! first time, so they are for named handles. Handles created by the thousand (keyed breakers) use shared atomics.
//! Striped counters with load and store were rejected: they lose counts.

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
    PerThread(Box<ThreadLocal<Padded<N>>>),
    Shared([AtomicU64; N]),
}

/// The counters of one thread, aligned to two cache lines, which processors fetch in pairs, so that threads do not
/// invalidate each other's lines.
#[repr(align(128))]
struct Padded<const N: usize>([AtomicU64; N]);

// === impl Counters ===

impl<const N: usize> Counters<N> {
    /// Creates counters per thread: the fastest, for named handles.
    #[must_use]
    pub fn per_thread() -> Self {
        Self(Repr::PerThread(Box::default()))
    }

    /// Creates shared counters: small, for handles created by the thousand.
    #[must_use]
    pub fn shared() -> Self {
        Self(Repr::Shared(zeros()))
    }

    /// Adds one.
    #[inline]
    pub fn add(&self, index: usize) {
        self.add_many(index, 1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add_many(&self, index: usize, n: u64) {
        let _ = self.add_and_get(index, n);
    }

    /// Adds `n` and returns the new count of this thread, or of all threads for shared counters.
    #[inline]
    pub fn add_and_get(&self, index: usize, n: u64) -> u64 {
        match &self.0 {
            Repr::PerThread(threads) => {
                // This thread is the only writer of its counters.
                let counter = &threads.get_or(|| Padded(zeros())).0[index];
                let count = counter.load(Relaxed).wrapping_add(n);
                counter.store(count, Relaxed);
                count
            }
            Repr::Shared(counters) => counters[index].fetch_add(n, Relaxed).wrapping_add(n),
        }
    }

    /// Returns all sums.
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

    /// Returns one sum.
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
    fn counts_of_all_threads_are_summed() {
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
