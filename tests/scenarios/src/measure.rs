//! The measures of a run, from its records.

use crate::{arrivals::Ms, run::Record};

/// The records of one run, without the requests that cannot succeed.
#[derive(Clone, Debug)]
pub struct Measure(Vec<Record>);

/// Offered and good requests by the second in which they were sent.
pub type Seconds = Vec<(u32, u32)>;

// === impl Measure ===

impl Measure {
    /// Takes the records of a run.
    #[must_use]
    pub fn new(records: Vec<Record>) -> Self {
        Self(records.into_iter().filter(|record| !record.hopeless).collect())
    }

    /// Returns only the requests that were sent from `from` until `until`.
    #[must_use]
    pub fn between(&self, from: Ms, until: Ms) -> Self {
        Self(self.0.iter().filter(|record| (from..until).contains(&record.at)).copied().collect())
    }

    /// Returns the number of requests.
    #[must_use]
    pub fn offered(&self) -> f64 {
        self.0.len() as f64
    }

    /// Returns the number of requests without a good answer.
    #[must_use]
    pub fn lost(&self) -> f64 {
        self.0.iter().filter(|record| !record.good).count() as f64
    }

    /// Returns the share of requests with a good answer; 1 without requests.
    #[must_use]
    pub fn good(&self) -> f64 {
        1.0 - self.lost() / self.offered().max(1.0)
    }

    /// Returns the number of requests whose callers waited longer than this.
    #[must_use]
    pub fn slower_than(&self, limit: Ms) -> f64 {
        self.0.iter().filter(|record| record.took > limit).count() as f64
    }

    /// Returns a quantile of the waiting times, in milliseconds; infinite for a request that was never answered.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let mut times: Vec<Ms> = self.0.iter().map(|record| record.took).collect();
        times.sort_unstable();
        let rank = (times.len() as f64 * share) as usize;
        times
            .get(rank.min(times.len().saturating_sub(1)))
            .map_or(0.0, |time| if *time == Ms::MAX { f64::INFINITY } else { *time as f64 })
    }

    /// Returns how long after `end` the last request without a good answer was sent, in seconds.
    #[must_use]
    pub fn bad_after(&self, end: Ms) -> f64 {
        let last = self.0.iter().rev().find(|record| !record.good).map_or(0, |record| record.at);
        last.saturating_sub(end) as f64 / 1_000.0
    }

    /// Returns the seconds from `end` to the first second from which ten are at least 99 % good; infinite if there is
    /// none.
    #[must_use]
    pub fn recovery(&self, end: Ms) -> f64 {
        let seconds = self.by_second();
        let first = end.div_ceil(1_000) as usize;
        let good = |(offered, good): &(u32, u32)| f64::from(*good) >= 0.99 * f64::from(*offered);
        let recovered = (first..seconds.len().saturating_sub(10)).find(|at| seconds[*at..at + 10].iter().all(good));
        recovered.map_or(f64::INFINITY, |at| (at - first) as f64)
    }

    /// Returns, for each second, how many requests were answered in it, and how many of them well.
    #[must_use]
    pub fn done_by_second(&self) -> Seconds {
        let done = |record: &Record| Record { at: record.at.saturating_add(record.took), ..*record };
        Self(self.0.iter().filter(|record| record.took < Ms::MAX).map(done).collect()).by_second()
    }

    /// Returns offered and good requests by second.
    #[must_use]
    pub fn by_second(&self) -> Seconds {
        let last = self.0.iter().map(|record| record.at / 1_000).max().map_or(0, |last| last as usize + 1);
        let mut seconds = vec![(0, 0); last];
        for record in &self.0 {
            let second = &mut seconds[(record.at / 1_000) as usize];
            second.0 += 1;
            second.1 += u32::from(record.good);
        }
        seconds
    }
}

/// Returns a hash of the per-second numbers (FNV-1a): equal runs have equal hashes, on every machine and in every build.
#[must_use]
pub fn hash(seconds: &Seconds) -> u64 {
    let bytes = seconds.iter().flat_map(|(offered, good)| [offered.to_le_bytes(), good.to_le_bytes()]).flatten();
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(at: Ms, good: bool) -> Record {
        Record { at, took: 10, good, hopeless: false }
    }

    #[test]
    fn recovery_is_the_first_second_of_ten_good_ones() {
        let bad = |at: Ms| (5_000..8_000).contains(&at) || at == 9_500;
        let measure = Measure::new((0..60).map(|half| record(half * 500, !bad(half * 500))).collect());
        assert_eq!(measure.recovery(8_000), 2.0);
        assert_eq!(measure.bad_after(8_000), 1.5);
        assert_eq!(measure.recovery(25_000), f64::INFINITY);
        assert_eq!((measure.offered(), measure.lost()), (60.0, 7.0));
    }

    #[test]
    fn hash_depends_on_order_and_values() {
        let hashes = [vec![(1, 1), (2, 1)], vec![(2, 1), (1, 1)], vec![(1, 1), (2, 2)]].map(|seconds| hash(&seconds));
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
    }
}
