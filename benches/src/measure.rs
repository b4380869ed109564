//! The timed loops.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::runtime::Handle;

use crate::{clock, drive::Drive, work};

/// A measured service, type-erased.
pub(crate) trait Measured {
    /// Creates the service anew, in the state that the row names.
    fn renew(&mut self);

    /// Makes one call, and returns whether it succeeded.
    fn call(&mut self) -> bool;

    /// Makes `calls` calls with `work` nanoseconds of work after each. Returns CPU time and wall time.
    fn one_thread(&mut self, calls: u32, work: u32) -> (f64, f64);

    /// Makes the same calls on this thread and on another. Returns the wall time from the first start to the last end.
    fn two_threads(&mut self, calls: u32, work: u32) -> f64;

    fn sizes(&mut self) -> (usize, usize);
}

pub(crate) struct Subject<D, F> {
    make: F,
    drive: D,
}

/// Warm-up calls on every thread before the clock starts.
const WARM: u32 = 50;

// === impl Subject ===

impl<D: Drive, F: Fn() -> D> Subject<D, F> {
    pub(crate) fn new(make: F) -> Self {
        Self { drive: make(), make }
    }
}

impl<D: Drive, F: Fn() -> D> Measured for Subject<D, F> {
    fn renew(&mut self) {
        self.drive = (self.make)();
    }

    fn call(&mut self) -> bool {
        self.drive.call()
    }

    fn one_thread(&mut self, calls: u32, work: u32) -> (f64, f64) {
        let (cpu, wall) = (clock::cpu(), clock::wall());
        repeat(&mut self.drive, calls, work);
        (clock::cpu() - cpu, clock::wall() - wall)
    }

    fn two_threads(&mut self, calls: u32, work: u32) -> f64 {
        let (mut here, there) = (self.drive.clone(), self.drive.clone());
        let (waiting, runtime) = (AtomicU32::new(2), Handle::current());
        let timed = |drive: &mut D| {
            repeat(drive, WARM.min(calls), 0);
            waiting.fetch_sub(1, Ordering::AcqRel);
            // Spins, because a thread wakes up late from a barrier.
            while waiting.load(Ordering::Acquire) > 0 {
                std::hint::spin_loop();
            }
            let start = clock::wall();
            repeat(drive, calls, work);
            (start, clock::wall())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                // Timers need the runtime on this thread too.
                let _entered = runtime.enter();
                // Moved to the stack of this thread, so that the two drivers do not share a cache line.
                let mut there = there;
                timed(&mut there)
            });
            let here = timed(&mut here);
            let there = other.join().unwrap_or((f64::NAN, f64::NAN));
            // From the first start to the last end: threads that share a core do not run concurrently.
            here.1.max(there.1) - here.0.min(there.0)
        })
    }

    fn sizes(&mut self) -> (usize, usize) {
        self.drive.sizes()
    }
}

fn repeat<D: Drive>(drive: &mut D, calls: u32, work: u32) {
    if work == 0 {
        // A separate loop: a bare call takes as long as a step of the work.
        for _ in 0..calls {
            drive.call();
        }
        return;
    }
    for _ in 0..calls {
        drive.call();
        work::busy(work);
    }
}
