//! Counters of a handle, read by snapshots.
//!
//! Counting a call costs no locked operation: each thread has its own counters and counts with a load and a store
//! (0.9 ns; a shared `fetch_add` takes 7-8 ns, and 35-110 ns if two threads share the cache line). The sum is exact once
//! all writers are idle. Per-thread counters take up to 10 KB for a handle and allocate when a thread counts for the
//! first time, so they are for named handles. Handles created by the thousand (keyed breakers) use shared atomics.
//! Striped counters with load and store were rejected: they lose counts.
//!
//! A thread that ends destroys its thread-locals one after the other. A call that is dropped then (its runtime is in a
//! thread-local) counts in one shared set, because the thread can have no counters any more. Counting never panics.

use std::{
    cell::Cell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
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
    PerThread(Box<PerThread<N>>),
    Shared([AtomicU64; N]),
}

struct PerThread<const N: usize> {
    threads: ThreadLocal<Padded<N>>,
    /// What threads count while they end.
    ending: [AtomicU64; N],
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
        Self(Repr::PerThread(Box::new(PerThread { threads: ThreadLocal::new(), ending: zeros() })))
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
            Repr::PerThread(counters) => {
                let Some(counters) = counters.threads.get().or_else(|| counters.create()) else {
                    return counters.ending[index].fetch_add(n, Relaxed).wrapping_add(n);
                };
                // This thread is the only writer of its counters.
                let counter = &counters.0[index];
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
            Repr::PerThread(counters) => counters.threads.iter().fold(load(&counters.ending), |mut sums, counters| {
                for (sum, counter) in sums.iter_mut().zip(&counters.0) {
                    *sum = sum.wrapping_add(counter.load(Relaxed));
                }
                sums
            }),
            Repr::Shared(counters) => load(counters),
        }
    }

    /// Takes all counts of shared counters, which then start again from zero: of two threads that take at once, one gets
    /// each count. Takes nothing from counters per thread.
    #[must_use]
    pub fn take(&self) -> [u64; N] {
        match &self.0 {
            Repr::PerThread(_) => [0; N],
            Repr::Shared(counters) => std::array::from_fn(|i| counters[i].swap(0, Relaxed)),
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

fn load<const N: usize>(counters: &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|i| counters[i].load(Relaxed))
}

// === impl PerThread ===

impl<const N: usize> PerThread<N> {
    /// Creates the counters of this thread, or returns `None` if the thread is ending.
    #[cold]
    fn create(&self) -> Option<&Padded<N>> {
        let create = || self.threads.get_or(|| Padded(zeros()));
        match LIFE.get() {
            Life::Ending => None,
            Life::Running => Some(create()),
            Life::Unknown => {
                // Panics if the thread is ending and its number was destroyed before this thread counted anything.
                let created = catch_unwind(AssertUnwindSafe(create)).ok();
                if created.is_some() {
                    // After the thread has its number: the thread-local that is registered last is destroyed first.
                    LIFE.set(Life::Running);
                    let _ = END.try_with(|_| ());
                }
                created
            }
        }
    }
}

/// Whether a thread may still create thread-locals.
#[derive(Clone, Copy)]
enum Life {
    /// The thread has created no counters.
    Unknown,
    Running,
    /// The thread destroys its thread-locals.
    Ending,
}

/// Marks its thread as ending when it is destroyed.
struct End;

thread_local! {
    // Without a destructor, so that it can be read as long as the thread runs.
    static LIFE: Cell<Life> = const { Cell::new(Life::Unknown) };
    static END: End = const { End };
}

impl Drop for End {
    fn drop(&mut self) {
        LIFE.set(Life::Ending);
    }
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

    /// Counts when it is dropped.
    struct CountsOnDrop(std::cell::RefCell<Vec<std::sync::Arc<Counters<1>>>>);

    impl Drop for CountsOnDrop {
        fn drop(&mut self) {
            self.0.take().iter().for_each(|counters| counters.add(0));
        }
    }

    thread_local! {
        static FIRST: CountsOnDrop = const { CountsOnDrop(std::cell::RefCell::new(Vec::new())) };
        static LAST: CountsOnDrop = const { CountsOnDrop(std::cell::RefCell::new(Vec::new())) };
    }

    /// Defect: a call that was dropped with the thread-locals of its thread aborted the process.
    #[test]
    fn thread_counts_while_its_thread_locals_are_destroyed() {
        let used = std::sync::Arc::new(Counters::<1>::per_thread());
        let unused = std::sync::Arc::new(Counters::<1>::per_thread());
        for counts_first in [false, true] {
            let (used, unused) = (used.clone(), unused.clone());
            let thread = std::thread::spawn(move || {
                if counts_first {
                    used.add(0);
                }
                FIRST.with(|first| first.0.borrow_mut().extend([used.clone(), unused.clone()]));
                used.add(0);
                LAST.with(|last| last.0.borrow_mut().extend([used, unused]));
            });
            thread.join().expect("no panic");
        }
        assert_eq!((used.get(0), unused.get(0)), (7, 4));
    }
}
