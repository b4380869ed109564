//! The bars that are not met yet, with the figure measured when the row was added.
//!
//! The tests assert that the list is exact: a bar that is missed and not listed fails, and so does a listed bar that is
//! met. Remove a row when its bar is met.

use crate::cell::{
    Bar, Cell,
    Contestant::{self, Ours, OursNoBreaker, OursServer},
};

/// A bar that is not met yet: scenario, cell, stack, figure, and the worst figure measured.
pub type NotYet = (&'static str, &'static str, Contestant, &'static str, f64);

const NEVER: f64 = f64::INFINITY;

/// The bars that are not met yet.
pub const NOT_YET: &[NotYet] = &[
    // Half-open comes up to 8 s after the last failure, in steps that double. An in-flight limit that reacts to loss would
    // recover sooner; it comes with S5.
    ("s1", "all", Ours, "recovery (s)", 10.0),
    ("s1", "all", Ours, "lost / omniscient", 1.51),
    ("s1", "all", OursNoBreaker, "recovery (s)", 29.0),
    ("s1", "all", OursNoBreaker, "lost / omniscient", 1.99),
    ("s1", "280-10s-1000", Ours, "recovery (s)", NEVER),
    // At 280 of 300 requests a second a full queue of 100 takes 5 s to drain; the omniscient policy needs 3 s too.
    ("s1", "all", OursServer, "recovery (s)", 4.0),
    ("s1", "280-10s-1000", OursServer, "recovery (s)", 3.0),
    // Up to 8 s in which the breaker is still open, of the 10 s after the repair.
    ("s6", "errors-2", Ours, "good after repair", 0.70),
    ("s6", "errors-5", Ours, "good after repair", 0.94),
    ("s6", "errors-10", Ours, "good after repair", 0.958),
    ("s6", "errors-20", Ours, "good after repair", 0.956),
    ("s6", "black-hole-2", Ours, "good after repair", 0.588),
    ("s6", "black-hole-5", Ours, "good after repair", 0.918),
    ("s6", "black-hole-10", Ours, "good after repair", 0.964),
    ("s6", "black-hole-20", Ours, "good after repair", 0.954),
    // 50 failures open it, of a shard that gets 10 requests a second; then three trial calls each time.
    ("s6", "errors-20", Ours, "reach the dead shard (%)", 5.75),
    ("s6", "black-hole-10", Ours, "reach the dead shard (%)", 5.07),
    ("s6", "black-hole-20", Ours, "reach the dead shard (%)", 9.42),
    // The requests in flight until the probes of both broken endpoints have decided.
    ("s7b", "three", Ours, "lost", 3.0),
];

/// Returns whether this bar of the cell is listed.
#[must_use]
pub fn is_listed(cell: &Cell, bar: &Bar) -> bool {
    NOT_YET.iter().any(|listed| is_of(listed, cell, bar))
}

/// Returns whether a row of the list is this bar of the cell.
#[must_use]
pub fn is_of(listed: &NotYet, cell: &Cell, bar: &Bar) -> bool {
    (listed.0, listed.1, listed.2, listed.3) == (cell.scenario, &cell.name, bar.of, bar.figure)
}
