//! Whether the endpoint in use is slow for all: the median of its last 100 answers against that of the next endpoint.
//!
//! Off by default. Second attempts hide what is slower than usual, but not an endpoint that is always slow. Nothing is
//! recorded while it is off, and of an answer that comes in the first poll.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use crate::{
    decision::Signal,
    departure::Sent,
    selector::{EndpointView, order},
    switchboard::Switchboard,
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
    fn record(&self, took: Duration) -> bool {
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

impl Switchboard {
    /// Records how long an answer took.
    pub(crate) fn record_latency(&self, index: usize, took: Duration) {
        self.endpoints[index].latency.record(took);
        self.record_time(index, took);
    }

    /// Records how long an answer took, or how long an attempt had waited at least when the other one answered. Leaves
    /// the endpoint if it is slow for all.
    pub(crate) fn record_time(&self, index: usize, took: Duration) {
        if let Some(ratio) = self.live.slow_ratio()
            && self.endpoints[index].answers.record(took)
        {
            self.compare(index, ratio);
        }
    }

    #[cold]
    fn compare(&self, index: usize, ratio: f64) {
        let (endpoint, n) = (&self.endpoints[index], self.endpoints.len());
        let (epoch, suspensions) = (endpoint.breaker.epoch(), endpoint.ask.suspensions());
        // An endpoint that is not in use may be slow: it is still a backup.
        if self.route().index != Some(index) || !endpoint.is_usable() {
            return;
        }
        let is_free = |other: &usize| self.endpoints[*other].is_usable() && !self.endpoints[*other].is_suspended();
        let Some(next) = order(index + 1, n).filter(|other| *other != index).find(is_free) else { return };
        let (minimum, next) = (self.live.limits().minimum_calls, &self.endpoints[next]);
        let (Some(own), Some(others)) = (endpoint.answers.median(minimum), next.answers.median(minimum)) else {
            return;
        };
        if own > others && own >= others.mul_f64(ratio) {
            let name = next.name.escape_debug();
            let reason = format!("slow for all: the median answer takes {own:?}, that of {name} {others:?}");
            self.leave(Sent { index, epoch, suspensions }, Signal::Requests, reason);
        }
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
        (0..100).for_each(|n| drop(answers.record(ms(1_000 + n))));
        assert_eq!(answers.median(20), Some(ms(1_050)));
        answers.reset();
        assert_eq!(answers.median(1), None);
        answers.record(Duration::MAX);
        assert!(answers.median(1) > Some(ms(4_000_000)));
    }
}
