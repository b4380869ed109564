//! The bounds, in a file of the repository with a line for each row.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;

use serde_json::{Value, json};

use super::cost::Cost;
use crate::cargo::root;

/// The most that a call may cost, by the name of the row.
#[derive(Debug, PartialEq)]
pub(crate) struct Bounds(BTreeMap<String, Cost>);

pub(crate) const FILE: &str = "benches/results/bounds.json";

/// The bound on instructions, as a multiple of the count: compilers and C libraries differ in the instructions that they
/// choose, and not in locked operations.
const ROOM: f64 = 1.15;

/// Locked operations of a call above the bound that pass: a window may rotate during a count, which is a few locked
/// operations in a thousand calls.
const SLACK: f64 = 0.05;

// === impl Bounds ===

impl Bounds {
    pub(crate) fn read() -> io::Result<Self> {
        let text = fs::read_to_string(root().join(FILE))?;
        Self::parse(&text).map_err(|why| io::Error::other(format!("{FILE}: {why}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let rows: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let bounds = rows.into_iter().map(|(row, bound)| {
            let number = |key: &str| bound[key].as_f64().ok_or(format!("`{row}` has no number `{key}`"));
            let cost = Cost { instructions: number("instructions")?, locked: number("locked")? };
            Ok((row, cost))
        });
        bounds.collect::<Result<_, String>>().map(Self)
    }

    /// Returns bounds that `costs` meet with [`ROOM`].
    pub(crate) fn above(costs: &[(String, Cost)]) -> Self {
        let bounds = costs.iter().map(|(row, cost)| {
            let instructions = (cost.instructions * ROOM).ceil();
            (row.clone(), Cost { instructions, locked: (cost.locked * 100.0).round() / 100.0 })
        });
        Self(bounds.collect())
    }

    pub(crate) fn write(&self) -> io::Result<()> {
        fs::write(root().join(FILE), self.text())
    }

    /// Returns the text of the file: a row a line, so that a diff shows the changed rows.
    fn text(&self) -> String {
        let rows = self.0.iter().map(|(row, Cost { instructions, locked })| {
            let instructions = *instructions as u64;
            format!("  {}: {{ \"instructions\": {instructions}, \"locked\": {locked} }}", json!(row))
        });
        format!("{{\n{}\n}}\n", rows.collect::<Vec<_>>().join(",\n"))
    }

    /// Returns a table of costs and bounds.
    pub(crate) fn table(&self, costs: &[(String, Cost)]) -> String {
        let mut table = format!("{:<52} instructions  at most   locked  at most", "of one call");
        for (row, cost) in costs {
            let _ = write!(table, "\n{row:<52} {:>12.1}", cost.instructions);
            let _ = match self.0.get(row) {
                Some(most) => write!(table, " {:>8} {:>8.2} {:>8}", most.instructions, cost.locked, most.locked),
                None => write!(table, " {:>8} {:>8.2} {:>8}", "-", cost.locked, "-"),
            };
        }
        table
    }

    /// Returns a message for each row that is above its bound or has none, and for each bound without a row.
    pub(crate) fn failures(&self, costs: &[(String, Cost)]) -> Vec<String> {
        let above = costs.iter().filter_map(|(row, cost)| self.failure(row, *cost));
        let stale = self.0.keys().filter(|row| !costs.iter().any(|(counted, _)| counted == *row));
        let stale = stale.map(|row| format!("{row}: a bound without a row; cargo xtask gate --save"));
        above.chain(stale).collect()
    }

    pub(crate) fn failure(&self, row: &str, cost: Cost) -> Option<String> {
        let Some(most) = self.0.get(row) else {
            return Some(format!("{row}: a row without a bound; cargo xtask gate --save"));
        };
        let mut what = Vec::new();
        if cost.instructions > most.instructions {
            what.push(format!("{:.1} instructions, at most {}", cost.instructions, most.instructions));
        }
        if cost.locked > most.locked + SLACK {
            what.push(format!("{:.2} locked operations, at most {}", cost.locked, most.locked));
        }
        let what = (!what.is_empty()).then(|| what.join("; "))?;
        Some(format!("{row}: a call takes {what}; where: cargo xtask profile \"{row}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Cost};

    fn costs(instructions: f64, locked: f64) -> Vec<(String, Cost)> {
        vec![("retry, mainstay".to_owned(), Cost { instructions, locked })]
    }

    #[test]
    fn saved_bounds_are_read_and_met() {
        let bounds = Bounds::above(&costs(306.652, 2.093));
        assert_eq!(bounds.text(), "{\n  \"retry, mainstay\": { \"instructions\": 353, \"locked\": 2.09 }\n}\n");
        assert_eq!(Bounds::parse(&bounds.text()).as_ref(), Ok(&bounds));
        assert!(bounds.failures(&costs(306.652, 2.093)).is_empty());
        assert!(bounds.failures(&costs(350.0, 2.1)).is_empty());
    }

    #[test]
    fn row_above_its_bound_is_named_with_figures() {
        let failures = Bounds::above(&costs(306.652, 2.093)).failures(&costs(354.0, 4.093));
        let expected = "retry, mainstay: a call takes 354.0 instructions, at most 353; 4.09 locked operations, \
                        at most 2.09; where: cargo xtask profile \"retry, mainstay\"";
        assert_eq!(failures, [expected]);
    }

    #[test]
    fn row_without_bound_and_bound_without_row_fail() {
        let bounds = Bounds::parse(r#"{ "gone, mainstay": { "instructions": 1, "locked": 0 } }"#).unwrap();
        let failures = bounds.failures(&costs(1.0, 0.0));
        assert_eq!(failures.len(), 2);
        assert!(failures[0].starts_with("retry, mainstay: a row without") && failures[1].starts_with("gone, mainstay"));
    }

    #[test]
    fn bound_without_number_is_an_error() {
        assert_eq!(Bounds::parse(r#"{ "x": {} }"#).unwrap_err(), "`x` has no number `instructions`");
    }
}
