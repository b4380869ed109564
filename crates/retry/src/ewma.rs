//! An exponentially weighted moving average of durations, in one atomic word.

use std::time::Duration;

use mainstay_core::AtomicOptionDuration;

/// Each value has a weight of one eighth. Concurrent writers may lose a value: the average tolerates that, and a
/// compare-and-swap loop would cost a locked operation for each record.
#[derive(Debug, Default)]
pub(crate) struct Ewma(AtomicOptionDuration);

// === impl Ewma ===

impl Ewma {
    pub(crate) fn record(&self, value: Duration) {
        let next = self.0.load().map_or(value, |mean| mean - mean / 8 + value / 8);
        self.0.store(Some(next));
    }

    pub(crate) fn get(&self) -> Option<Duration> {
        self.0.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_is_taken_whole_and_later_ones_move_the_average() {
        let mean = Ewma::default();
        assert_eq!(mean.get(), None);
        mean.record(Duration::from_millis(80));
        assert_eq!(mean.get(), Some(Duration::from_millis(80)));
        mean.record(Duration::from_millis(160));
        assert_eq!(mean.get(), Some(Duration::from_millis(90)));
        (0..100).for_each(|_| mean.record(Duration::ZERO));
        assert!(mean.get().is_some_and(|mean| mean < Duration::from_millis(1)));
        (0..100).for_each(|_| mean.record(Duration::MAX));
        assert!(mean.get().is_some_and(|mean| mean > Duration::from_secs(1_000_000)));
    }
}
