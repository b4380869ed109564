//! A running mean of durations in one word.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Moves by an eighth of the difference with each value. Two writers at once may lose one of their values, which a
/// mean can bear and a locked operation would not be worth.
#[derive(Debug, Default)]
pub(crate) struct Mean(AtomicU64);

// === impl Mean ===

impl Mean {
    pub(crate) fn record(&self, value: Duration) {
        // Zero means no value yet, so the shortest is one.
        let value = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX).max(1);
        let next = match self.0.load(Relaxed) {
            0 => value,
            mean => mean - mean / 8 + value / 8,
        };
        self.0.store(next, Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_the_first_value_and_follows_the_later_ones() {
        let mean = Mean::default();
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
