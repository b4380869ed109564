//! The scenarios: one file each, with its bars as constants.
//!
//! S4 (tail and hedging) and S5 (adaptive bulkhead) come with the layers that they judge.

pub mod endpoints;
pub mod s1;
pub mod s2;
pub mod s3;
pub mod s6;
pub mod s7;
pub mod s7b;
pub mod s8;

use crate::cell::Cell;

/// Every cell of every scenario.
#[must_use]
pub fn all() -> Vec<Cell> {
    [s1::cells(), s2::cells(), s3::cells(), s6::cells(), s7::cells(), s7b::cells(), s8::cells()]
        .into_iter()
        .flatten()
        .collect()
}

/// One small cell of each scenario. A debug build and a release build must agree on its hashes.
pub const HASHED: &[(&str, &str)] = &[
    ("s1", "150-1s"),
    ("s2", "100%"),
    ("s3", "one-row"),
    ("s6", "errors-2"),
    ("s7", "black-hole"),
    ("s7b", "health-10"),
    ("s8", "depth-3"),
];

/// A picture of a cell.
#[derive(Clone, Copy, Debug)]
pub enum Plot {
    /// The good requests of each second, a line for each stack.
    GoodBySecond,
    /// One figure, a bar for each stack.
    Figure(&'static str),
}

/// The cells that are drawn.
pub const PLOTTED: &[(&str, &str, Plot)] = &[
    ("s1", "280-10s", Plot::GoodBySecond),
    ("s1", "280-10s-1000", Plot::GoodBySecond),
    ("s2", "100%-1000", Plot::Figure("calls for each request, steady")),
    ("s3", "one-row", Plot::Figure("median time (s)")),
    ("s6", "black-hole-2", Plot::GoodBySecond),
    ("s7", "black-hole", Plot::GoodBySecond),
    ("s7", "flap-2", Plot::GoodBySecond),
    ("s7b", "pause", Plot::Figure("share elsewhere")),
    ("s7b", "bad-route", Plot::GoodBySecond),
    ("s7b", "shared-database", Plot::GoodBySecond),
    ("s8", "depth-5", Plot::Figure("calls for each request")),
];
