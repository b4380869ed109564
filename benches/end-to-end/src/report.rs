//! The results of a run.

use serde::Serialize;

use crate::{load::Sample, machine::Machine, memory::Weight, scenario::Scenario};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) method: Method,
    pub(crate) rows: Vec<Row>,
    pub(crate) memory: Vec<Weight>,
}

/// The method of the measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Method {
    pub(crate) placement: String,
    pub(crate) rounds: usize,
    /// The duration of one turn.
    pub(crate) seconds: f64,
}

/// One contestant in one scenario, with medians over the rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) contestant: &'static str,
    pub(crate) median: Sample,
    /// Requests per second, as a ratio to the bare proxy in the same round.
    pub(crate) throughput: Ratio,
    /// Processor time per request, as the same ratio.
    pub(crate) cpu: Ratio,
}

/// A ratio over the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

// === impl Row ===

impl Row {
    pub(crate) fn new(scenario: Scenario, contestant: &'static str, own: &[Sample], bare: &[Sample]) -> Self {
        let ratio = |figure: fn(&Sample) -> f64| {
            // Within each round: longer disturbances affect both proxies.
            Ratio::new(own.iter().zip(bare).map(|(own, bare)| figure(own) / figure(bare)))
        };
        Self {
            scenario,
            contestant,
            median: Sample::median(own),
            throughput: ratio(|sample| sample.requests_per_second),
            cpu: ratio(|sample| sample.cpu_us_per_request),
        }
    }
}

// === impl Sample ===

impl Sample {
    /// Returns the median of each figure.
    fn median(samples: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| Ratio::new(samples.iter().map(figure)).median;
        Self {
            requests: samples.iter().map(|sample| sample.requests).sum(),
            requests_per_second: median(|sample| sample.requests_per_second),
            p50_us: median(|sample| sample.p50_us),
            p99_us: median(|sample| sample.p99_us),
            p999_us: median(|sample| sample.p999_us),
            cpu_us_per_request: median(|sample| sample.cpu_us_per_request),
            cpus_busy: median(|sample| sample.cpus_busy),
        }
    }
}

// === impl Ratio ===

impl Ratio {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let (below, above) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let most = at(sorted.len().saturating_sub(1));
        Self { median: f64::midpoint(at(below), at(above)), least: at(0), most }
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;

    #[test]
    fn median_is_the_middle_value() {
        let odd = Ratio::new([3.0, 1.0, 2.0].into_iter());
        assert_eq!((odd.median, odd.least, odd.most), (2.0, 1.0, 3.0));
        assert_eq!(Ratio::new([4.0, 1.0].into_iter()).median, 2.5);
        assert!(Ratio::new(std::iter::empty()).median.is_nan());
    }
}
