//! Measurements and the figures derived from them.

use crate::row::{Bare, Row};

/// The measurements of one row.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) calls: u32,
    pub(crate) nanos: Vec<f64>,
    /// The throughput of two threads as a multiple of one, for each amount of work.
    pub(crate) two_threads: [Vec<f64>; 3],
}

/// The figures of one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) pattern: String,
    pub(crate) who: String,
    pub(crate) at: Option<u64>,
    pub(crate) bare: Bare,
    /// Nanoseconds of a call, the bare service included.
    pub(crate) nanos: f64,
    pub(crate) two_threads: [f64; 3],
    /// Allocations of a call, if they were counted.
    pub(crate) allocations: Option<f64>,
    pub(crate) service_bytes: usize,
    pub(crate) future_bytes: usize,
}

/// All rows of a run.
#[derive(Debug)]
pub(crate) struct Table(pub(crate) Vec<Figures>);

/// The row that ratios refer to: machines differ more than layers do.
pub(crate) const REFERENCE: (&str, &str) = ("bulkhead, free", "tower ConcurrencyLimit");

// === impl Samples ===

impl Samples {
    pub(crate) fn figures(&self, row: &mut Row) -> Figures {
        let (service_bytes, future_bytes) = row.subject.sizes();
        Figures {
            pattern: row.pattern.to_owned(),
            who: row.who.to_owned(),
            at: row.at,
            bare: row.bare,
            nanos: quantile(&self.nanos, 0.25),
            two_threads: [0, 1, 2].map(|work| quantile(&self.two_threads[work], 0.5)),
            allocations: None,
            service_bytes,
            future_bytes,
        }
    }
}

// === impl Figures ===

impl Figures {
    pub(crate) fn is_bare(&self) -> bool {
        self.pattern == Bare::NAME
    }

    pub(crate) fn name(&self) -> String {
        let at = self.at.map(|at| format!(", {at}")).unwrap_or_default();
        format!("{}, {}{at}", self.pattern, self.who)
    }
}

// === impl Table ===

impl Table {
    /// Returns the rows of the table, without points of curves.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Figures> {
        self.0.iter().filter(|row| row.at.is_none())
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = (&Figures, u64)> {
        self.0.iter().filter_map(|row| Some((row, row.at?)))
    }

    /// Returns nanoseconds above the bare service.
    pub(crate) fn net(&self, row: &Figures) -> f64 {
        let bare = self.rows().find(|it| it.is_bare() && it.who == row.bare.who());
        (row.nanos - bare.map_or(0.0, |bare| bare.nanos)).max(0.0)
    }

    /// Returns the ratio to the reference of the same run.
    pub(crate) fn ratio(&self, row: &Figures) -> f64 {
        let reference = self.rows().find(|it| (it.pattern.as_str(), it.who.as_str()) == REFERENCE);
        self.net(row) / reference.map_or(f64::NAN, |reference| self.net(reference)).max(0.1)
    }

    /// Returns the names of the patterns, in order.
    pub(crate) fn patterns(&self) -> Vec<&str> {
        let mut patterns: Vec<&str> = self.rows().map(|row| row.pattern.as_str()).collect();
        patterns.dedup();
        patterns
    }
}

/// Returns a quantile. Times use the first quartile: other programs on the core slow all rows down by half for parts of a
/// run, and the median of a row falls into such a part or not by chance.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or_default()
}
