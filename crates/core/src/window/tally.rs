//! The counts that a window returns.

/// The counts of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tally {
    /// Calls in the window.
    pub calls: u32,
    /// Hits among them.
    pub hits: u32,
}

// === impl Tally ===

impl Tally {
    /// Returns the share of hits, or `None` below the minimum number of calls.
    #[must_use]
    pub fn rate(&self, minimum_calls: u32) -> Option<f64> {
        (self.calls >= minimum_calls.max(1)).then(|| f64::from(self.hits) / f64::from(self.calls))
    }

    /// Returns whether the rate is defined and at or above the threshold.
    #[must_use]
    pub fn reaches(&self, threshold: f64, minimum_calls: u32) -> bool {
        self.rate(minimum_calls).is_some_and(|rate| rate >= threshold)
    }
}
