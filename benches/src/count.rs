//! Counts allocations, in a build of its own: the counting allocator slows calls down.

use std::collections::BTreeMap;

use crate::row::Row;

/// Allocations of a call, by row name.
pub(crate) type Counts = BTreeMap<String, f64>;

/// The file name of the counts, in the folder of the results.
pub(crate) const FILE: &str = "allocations.json";

/// Enough to include work that is done once for many calls.
#[cfg(feature = "count")]
const CALLS: u32 = 1_000;

#[cfg(feature = "count")]
pub(crate) fn count(rows: &mut [Row]) -> Result<Counts, String> {
    let counted = rows.iter_mut().filter(|row| row.at.is_none()).map(|row| {
        let calls = if row.sleeps { 10 } else { CALLS };
        row.subject.one_thread(calls, 0);
        let found = allocation_counter::measure(|| _ = row.subject.one_thread(calls, 0));
        (row.name(), found.count_total as f64 / f64::from(calls))
    });
    Ok(counted.collect())
}

#[cfg(not(feature = "count"))]
pub(crate) fn count(_: &mut [Row]) -> Result<Counts, String> {
    Err("this build cannot count allocations: the feature `count` is off".to_owned())
}
