//! How a row is measured.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Waker},
};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;
use tower::Service;

const CALLS: u32 = 50_000;

/// One service under measurement.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Makes the calls of one round, on a service that was made once.
    one: Box<dyn FnMut()>,
    /// Makes them on this thread and on another at once; gives the seconds it took.
    two: Box<dyn FnMut() -> f64>,
    nanos: Vec<f64>,
    seconds: Vec<f64>,
}

impl Row {
    pub(crate) fn new<S>(name: &'static str, service: S) -> Self
    where
        S: Service<u64> + Clone + Send + 'static,
    {
        let (mut alone, mut mine, mut other) = (service.clone(), service.clone(), service);
        let two = move || {
            let (start, other) = (wall(), &mut other);
            std::thread::scope(|scope| {
                // Timers want the runtime, on this thread too.
                let runtime = Handle::current();
                scope.spawn(move || {
                    let _entered = runtime.enter();
                    calls(other);
                });
                calls(&mut mine);
            });
            wall() - start
        };
        let one = Box::new(move || calls(&mut alone));
        Self { name, one, two: Box::new(two), nanos: Vec::new(), seconds: Vec::new() }
    }

    /// One round: thread CPU time alone, wall time for two.
    pub(crate) fn round(&mut self) {
        let start = cpu();
        (self.one)();
        self.nanos.push((cpu() - start) * 1e9 / f64::from(CALLS));
        self.seconds.push((self.two)());
    }

    /// The median of the rounds, per call.
    pub(crate) fn nanos(&self) -> f64 {
        median(&self.nanos)
    }

    /// The throughput of two threads against one.
    pub(crate) fn two_threads(&self) -> f64 {
        2.0 * self.nanos() * f64::from(CALLS) / 1e9 / median(&self.seconds)
    }
}

fn calls<S: Service<u64>>(service: &mut S) {
    let mut cx = Context::from_waker(Waker::noop());
    for request in 0..u64::from(CALLS) {
        let ready = service.poll_ready(&mut cx).is_ready();
        let mut call = pin!(service.call(request));
        black_box((ready, call.as_mut().poll(&mut cx).is_ready()));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn cpu() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn wall() -> f64 {
    seconds(ClockId::Monotonic)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
