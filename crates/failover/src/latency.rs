//! The latency of one endpoint's answers: an estimate of the 99th percentile in one atomic word.
//!
//! A sample above the estimate raises it by 4.95 %, one below lowers it by 0.05 %, so it rests where one in a hundred is
//! above (frugal streaming; Ma, Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", 2013). It follows
//! a tenfold slowdown within fifty answers and forgets one over some thousands. A histogram was rejected: it costs more
//! than the call, and this needs no more than the right order.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::nanos;

/// An estimate of the 99th percentile, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    p99: AtomicU64,
    samples: AtomicU32,
}

/// The number of answers from which on there is an estimate.
const MIN_SAMPLES: u32 = 20;
/// The timer's resolution, which is the lowest estimate.
const RESOLUTION: u64 = 1_000_000;

impl Latency {
    /// Records how long an answer took. Of samples at the same instant some may be lost, which an estimate tolerates.
    pub(crate) fn record(&self, took: Duration) {
        let (took, samples) = (nanos(took), self.samples.load(Relaxed));
        let p99 = match self.p99.load(Relaxed) {
            // The largest of the first answers, and a quarter more: an estimate that begins too low would take ordinary
            // answers for missing ones.
            p99 if samples < MIN_SAMPLES => p99.max(took.saturating_add(took / 4)),
            p99 if took > p99 => p99.saturating_add(p99 / 20 - p99 / 2000),
            p99 => p99 - p99 / 2000,
        };
        self.p99.store(p99.max(RESOLUTION), Relaxed);
        if samples < MIN_SAMPLES {
            self.samples.store(samples + 1, Relaxed);
        }
    }

    /// Records an answer that had not come after this time, when another endpoint answered first. It raises an estimate
    /// that is lower; else it says nothing.
    pub(crate) fn record_at_least(&self, waited: Duration) {
        if nanos(waited) > self.p99.load(Relaxed) {
            self.record(waited);
        }
    }

    /// Returns the estimate; `None` until there are enough answers.
    pub(crate) fn p99(&self) -> Option<Duration> {
        (self.samples.load(Relaxed) >= MIN_SAMPLES).then(|| Duration::from_nanos(self.p99.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use mainstay_core::Random;

    use super::*;

    fn record(latency: &Latency, random: &Random, mean: f64, n: u32) -> f64 {
        (0..n).for_each(|_| latency.record(Duration::from_secs_f64(-(1.0 - random.unit()).ln() * mean)));
        latency.p99().unwrap_or_default().as_secs_f64()
    }

    #[test]
    fn estimate_converges_to_the_percentile_and_follows_changes() {
        let (latency, random) = (Latency::default(), Random::seeded(7));
        // The 99th percentile of an exponential distribution is 4.6 means.
        let p99 = record(&latency, &random, 0.010, 5_000);
        assert!((0.030..0.070).contains(&p99), "{p99}");
        let slower = record(&latency, &random, 0.100, 500);
        assert!((0.250..0.800).contains(&slower), "{slower}");
        let again = record(&latency, &random, 0.010, 20_000);
        assert!((0.030..0.070).contains(&again), "{again}");
    }

    #[test]
    fn estimate_needs_twenty_answers_and_saturates() {
        let latency = Latency::default();
        (0..19).for_each(|_| latency.record(Duration::ZERO));
        assert_eq!(latency.p99(), None);
        latency.record(Duration::MAX);
        assert!(latency.p99().is_some());
        (0..100_000).for_each(|_| latency.record(Duration::MAX));
        assert!(latency.p99() > Some(Duration::from_secs(1_000)));
    }
}
