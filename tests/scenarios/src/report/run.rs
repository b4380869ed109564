//! Runs one cell with several seeds, and compares ours with the bars.

use crate::{
    cell::{Bar, Cell, Contestant, Figures, Length, Run},
    measure::hash,
    not_yet::is_listed,
};

/// The runs of one contestant of a cell, one for each seed.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The stack.
    pub contestant: Contestant,
    /// The figures, by seed.
    pub figures: Vec<Figures>,
}

/// A bar, and what was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The bar.
    pub bar: Bar,
    /// The worst figure of all seeds.
    pub worst: f64,
    /// Whether the worst figure keeps the limit.
    pub holds: bool,
    /// Whether the bar is listed as not met yet.
    pub listed: bool,
}

/// Runs a contestant of a cell with these seeds.
#[must_use]
pub fn runs(cell: &Cell, contestant: Contestant, seeds: &[u64], length: Length) -> Runs {
    let figures = seeds.iter().map(|seed| cell.run(Run { contestant, seed: *seed, length })).collect();
    Runs { contestant, figures }
}

/// Compares runs with the cell's bars for this contestant.
#[must_use]
pub fn measured(cell: &Cell, runs: &Runs) -> Vec<Measured> {
    let bars = cell.bars.iter().filter(|bar| bar.of == runs.contestant);
    let measured = bars.map(|bar| {
        let values = runs.figures.iter().map(|figures| figures.get(bar.figure));
        let worst = values.reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { bar.limit.worse(a, b) });
        let worst = worst.unwrap_or(f64::NAN);
        let listed = is_listed(cell, bar);
        Measured { bar: *bar, worst, holds: bar.limit.holds(worst), listed }
    });
    measured.collect()
}

// === impl Runs ===

impl Runs {
    /// Returns the median of a figure over the seeds.
    #[must_use]
    pub fn median(&self, figure: &str) -> f64 {
        let mut values: Vec<_> = self.figures.iter().map(|figures| figures.get(figure)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Returns the hash of the per-second numbers of each seed.
    #[must_use]
    pub fn hashes(&self) -> Vec<u64> {
        self.figures.iter().map(|figures| hash(&figures.seconds)).collect()
    }
}
