//! The loops that are timed.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::runtime::Handle;

use crate::{clock, drive::Drive, work};

/// What is measured, without its type.
pub(crate) trait Measured {
    /// Makes it anew, in the state that the row names.
    fn renew(&mut self);

    /// One call: was it answered?
    fn call(&mut self) -> bool;

    /// So many calls, with so many nanoseconds of work after each: CPU time and wall time.
    fn alone(&mut self, calls: u32, work: u32) -> (f64, f64);

    /// The same on this thread and on another at once: the wall time from the first start to the last end.
    fn both(&mut self, calls: u32, work: u32) -> f64;

    fn sizes(&mut self) -> (usize, usize);
}

pub(crate) struct Subject<D, F> {
    make: F,
    drive: D,
}

/// Calls before the clock starts, on every thread: first touches are not what a call costs.
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

    fn alone(&mut self, calls: u32, work: u32) -> (f64, f64) {
        let (cpu, wall) = (clock::cpu(), clock::wall());
        repeat(&mut self.drive, calls, work);
        (clock::cpu() - cpu, clock::wall() - wall)
    }

    fn both(&mut self, calls: u32, work: u32) -> f64 {
        let (mut here, there) = (self.drive.clone(), self.drive.clone());
        let (waiting, runtime) = (AtomicU32::new(2), Handle::current());
        let timed = |drive: &mut D| {
            repeat(drive, WARM.min(calls), 0);
            waiting.fetch_sub(1, Ordering::AcqRel);
            // A thread that sleeps at a barrier wakes up late.
            while waiting.load(Ordering::Acquire) > 0 {
                std::hint::spin_loop();
            }
            let start = clock::wall();
            repeat(drive, calls, work);
            (start, clock::wall())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                // Timers want the runtime, on this thread too.
                let _entered = runtime.enter();
                // On this thread's own stack: beside the other's they would share a cache line, and wait for that.
                let mut there = there;
                timed(&mut there)
            });
            let here = timed(&mut here);
            let there = other.join().unwrap_or((f64::NAN, f64::NAN));
            // Threads that took turns on one core did not run at once.
            here.1.max(there.1) - here.0.min(there.0)
        })
    }

    fn sizes(&mut self) -> (usize, usize) {
        self.drive.sizes()
    }
}

fn repeat<D: Drive>(drive: &mut D, calls: u32, work: u32) {
    if work == 0 {
        // A loop of its own: a bare call takes as long as a step of the work.
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
