//! The durations of the last 100 answers of one endpoint, and their median.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// The durations of the last 100 answers of one endpoint.
#[derive(Debug)]
pub(crate) struct Answers {
    /// In microseconds.
    took: Box<[AtomicU32]>,
    /// The number of answers since the endpoint's state last changed.
    count: AtomicU32,
}

const KEPT: usize = 100;
/// The medians are compared once for so many answers.
const STRIDE: u32 = 10;

// === impl Answers ===

impl Answers {
    /// Records an answer. Returns whether the median is to be compared.
    pub(crate) fn record(&self, took: Duration) -> bool {
        let number = self.count.fetch_add(1, Relaxed);
        self.took[number as usize % KEPT].store(took.as_micros().try_into().unwrap_or(u32::MAX), Relaxed);
        number.wrapping_add(1).is_multiple_of(STRIDE)
    }

    /// Returns the median, if there are at least `minimum` answers.
    pub(crate) fn median(&self, minimum: u32) -> Option<Duration> {
        let count = self.count.load(Relaxed);
        if count < minimum.max(1) {
            return None;
        }
        let known = self.took.iter().take(count as usize);
        let mut took: Vec<_> = known.map(|took| took.load(Relaxed)).collect();
        let middle = took.len() / 2;
        let (_, median, _) = took.select_nth_unstable(middle);
        Some(Duration::from_micros((*median).into()))
    }

    /// Forgets all answers.
    pub(crate) fn reset(&self) {
        self.count.store(0, Relaxed);
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self { took: (0..KEPT).map(|_| AtomicU32::new(0)).collect(), count: AtomicU32::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_of_the_last_hundred_answers() {
        let (answers, ms) = (Answers::default(), Duration::from_millis);
        assert_eq!(answers.median(0), None);
        let compared = (1..=19).filter(|n| answers.record(ms(*n))).count();
        assert_eq!((compared, answers.median(20), answers.median(19)), (1, None, Some(ms(10))));
        assert_eq!((0..100).filter(|n| answers.record(ms(1_000 + n))).count(), 10);
        assert_eq!(answers.median(20), Some(ms(1_050)));
        answers.reset();
        assert_eq!(answers.median(1), None);
        answers.record(Duration::MAX);
        assert!(answers.median(1) > Some(ms(4_000_000)));
    }
}
