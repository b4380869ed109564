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

/// The bound on instructions and copied bytes, as a multiple of the count: compilers and C libraries differ in the
/// instructions that they choose and in the copies that they leave out, and not in locked operations and allocations.
const ROOM: f64 = 1.15;

/// Locked operations and allocations of a call above the bound that pass: a window may rotate during a count, which is a few locked
/// operations in a thousand calls.
const SLACK: f64 = 0.05;

/// Copied bytes of a call above the bound that pass: the two runs of a count differ by some bytes at their start, such as the
/// digits of the process's number, and that difference is spread over their calls.
const COPIED_SLACK: f64 = 0.95;

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
            let cost = Cost {
                instructions: number("instructions")?,
                locked: number("locked")?,
                allocations: number("allocations")?,
                copied: number("copied")?,
            };
            Ok((row, cost))
        });
        bounds.collect::<Result<_, String>>().map(Self)
    }

    /// Returns bounds that `costs` meet with [`ROOM`].
    pub(crate) fn above(costs: &[(String, Cost)]) -> Self {
        let bounds = costs.iter().map(|(row, cost)| {
            let hundredths = |count: f64| (count * 100.0).round() / 100.0;
            let bound = Cost {
                instructions: (cost.instructions * ROOM).ceil(),
                locked: hundredths(cost.locked),
                allocations: hundredths(cost.allocations),
                copied: (cost.copied * ROOM).ceil(),
            };
            (row.clone(), bound)
        });
        Self(bounds.collect())
    }

    pub(crate) fn write(&self) -> io::Result<()> {
        fs::write(root().join(FILE), self.text())
    }

    /// Returns the text of the file: a row a line, so that a diff shows the changed rows.
    fn text(&self) -> String {
        let rows = self.0.iter().map(|(row, Cost { instructions, locked, allocations, copied })| {
            let counts = [("instructions", instructions), ("locked", locked), ("allocations", allocations)];
            let counts = counts.into_iter().chain([("copied", copied)]);
            let counts = counts.map(|(name, count)| format!("\"{name}\": {count}")).collect::<Vec<_>>().join(", ");
            format!("  {}: {{ {counts} }}", json!(row))
        });
        format!("{{\n{}\n}}\n", rows.collect::<Vec<_>>().join(",\n"))
    }

    /// Returns a table of costs and bounds.
    pub(crate) fn table(&self, costs: &[(String, Cost)]) -> String {
        let columns =
            ["instructions", "locked", "allocations", "bytes copied"].map(|name| format!("{name:>12}  at most"));
        let mut table = format!("{:<72} {}", "of one call", columns.join(" "));
        for (row, cost) in costs {
            let _ = write!(table, "\n{row:<72}");
            let most = self.0.get(row).map(Cost::each);
            for (index, count) in cost.each().into_iter().enumerate() {
                let _ = match most {
                    Some(most) => write!(table, " {count:>12.1} {:>8}", most[index]),
                    None => write!(table, " {count:>12.1} {:>8}", "-"),
                };
            }
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
        if cost.allocations > most.allocations + SLACK {
            what.push(format!("{:.2} allocations, at most {}", cost.allocations, most.allocations));
        }
        if cost.copied > most.copied + COPIED_SLACK {
            what.push(format!("{:.1} bytes to copy, at most {}", cost.copied, most.copied));
        }
        let what = (!what.is_empty()).then(|| what.join("; "))?;
        Some(format!("{row}: a call takes {what}; where: cargo xtask profile \"{row}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Cost};

    const EXPECTED: &str = "\
{
  \"retry, mainstay\": { \"instructions\": 353, \"locked\": 2.09, \"allocations\": 4, \"copied\": 115 }
}
";

    fn costs(instructions: f64, locked: f64) -> Vec<(String, Cost)> {
        let cost = Cost { instructions, locked, allocations: 4.0, copied: 100.0 };
        vec![("retry, mainstay".to_owned(), cost)]
    }

    #[test]
    fn saved_bounds_are_read_and_met() {
        let bounds = Bounds::above(&costs(306.652, 2.093));
        assert_eq!(bounds.text(), EXPECTED);
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
    fn allocation_or_copy_above_its_bound_fails() {
        let bounds = Bounds::above(&costs(306.652, 2.093));
        let dearer = Cost { instructions: 306.0, locked: 2.0, allocations: 5.0, copied: 116.0 };
        let failures = bounds.failures(&[("retry, mainstay".to_owned(), dearer)]);
        assert!(failures[0].contains("takes 5.00 allocations, at most 4; 116.0 bytes to copy, at most 115"));
    }

    #[test]
    fn row_without_bound_and_bound_without_row_fail() {
        let bounds =
            Bounds::parse(r#"{ "gone, mainstay": { "instructions": 1, "locked": 0, "allocations": 0, "copied": 0 } }"#)
                .unwrap();
        let failures = bounds.failures(&costs(1.0, 0.0));
        assert_eq!(failures.len(), 2);
        assert!(failures[0].starts_with("retry, mainstay: a row without") && failures[1].starts_with("gone, mainstay"));
    }

    #[test]
    fn bound_without_number_is_an_error() {
        assert_eq!(Bounds::parse(r#"{ "x": {} }"#).unwrap_err(), "`x` has no number `instructions`");
    }
}
