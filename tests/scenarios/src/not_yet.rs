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
    // A client with 7 requests a second tries again after up to 8 s. An open time of 2 s recovers in 4 s, but sends 5 % of
    // its traffic to a dead shard of twenty (S6).
    ("s1", "all", Ours, "recovery (s)", 10.0),
    // A fixed limit of 10 for each client queues ten seconds of work at a server that stands still.
    ("s1", "all", OursNoBreaker, "recovery (s)", 33.0),
    ("s1", "all", OursNoBreaker, "lost / omniscient", 2.01),
    // A client with one request in four seconds notices the stall when it is over; all have recovered after 52 s.
    ("s1", "280-10s-1000", Ours, "recovery (s)", NEVER),
    // At 280 of 300 requests a second a full queue drains in seconds; the omniscient policy needs 3 s too.
    ("s1", "all", OursServer, "recovery (s)", 3.0),
    ("s1", "280-10s-1000", OursServer, "recovery (s)", 3.0),
    // 10 of the 36 calls that the bar allows have been sent before the first timeout of a second.
    ("s6", "black-hole-20", Ours, "reach the dead shard (%)", 3.31),
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
