//! The scenarios: one file each, with its bars as constants.
//!
//! S4 (tail and hedging) and S5 (adaptive bulkhead) come with the layers that they judge.

pub mod endpoints;
pub mod s7;
pub mod s7b;

use crate::cell::Cell;

/// Every cell of every scenario.
#[must_use]
pub fn all() -> Vec<Cell> {
    [s7::cells(), s7b::cells()].into_iter().flatten().collect()
}

/// One small cell of each scenario. A debug build and a release build must agree on its hashes.
pub const HASHED: &[(&str, &str)] = &[("s7", "black-hole"), ("s7b", "health-10")];
