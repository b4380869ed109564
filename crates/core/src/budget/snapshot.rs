//! The figures of a budget.

/// The figures of a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BudgetSnapshot {
    /// The tokens available.
    pub balance: f64,
    /// The number of retries that spent tokens.
    pub spent: u64,
    /// The number of retries refused.
    pub refused: u64,
}
