//! Compares a run with an earlier one by ratios, because the machines may differ.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::figures::{Figures, Table};

/// The ratios of an earlier run, by row name.
pub(crate) struct Baseline(BTreeMap<String, f64>);

/// Rows that are slower by more than this are marked, in percent.
const MARKED: f64 = 10.0;

/// A smaller change of the ratio is noise: a tenth of the reference is about two nanoseconds.
const NOISE: f64 = 0.1;

// === impl Baseline ===

impl Baseline {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        Self::parse(&text).map_err(|e| format!("{}: {e}", file.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let whole: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let rows = whole["rows"].as_array().ok_or("has no rows")?;
        let ratios = rows.iter().filter_map(|row| Some((row["name"].as_str()?.to_owned(), row["ratio"].as_f64()?)));
        Ok(Self(ratios.collect()))
    }

    /// Returns the change of the ratio of a row, in percent.
    fn change(&self, table: &Table, row: &Figures) -> Option<f64> {
        let (before, now) = (*self.0.get(&row.name())?, table.ratio(row));
        if row.is_bare() || (now - before).abs() < NOISE {
            return Some(0.0);
        }
        Some((now / before.max(0.01) - 1.0) * 100.0)
    }

    pub(crate) fn words(&self, table: &Table, row: &Figures) -> String {
        match self.change(table, row) {
            None => "new".to_owned(),
            Some(0.0) => "=".to_owned(),
            Some(change) if change > MARKED => format!("**{change:+.0} %, worse**"),
            Some(change) => format!("{change:+.0} %"),
        }
    }

    /// Returns the row of Mainstay with the largest increase, and the increase in percent.
    pub(crate) fn worst(&self, table: &Table) -> Option<(String, f64)> {
        let ours = table.rows().filter(|row| row.who == "mainstay");
        let changes = ours.filter_map(|row| Some((row.name(), self.change(table, row)?)));
        changes.max_by(|one, other| one.1.total_cmp(&other.1))
    }
}

#[cfg(test)]
mod tests {
    use super::Baseline;
    use crate::{
        figures::{Figures, REFERENCE, Table},
        row::Bare,
    };

    fn row(pattern: &str, who: &str, nanos: f64) -> Figures {
        Figures {
            pattern: pattern.to_owned(),
            who: who.to_owned(),
            at: None,
            bare: Bare::Echo,
            nanos,
            two_threads: [1.0; 3],
            allocations: None,
            service_bytes: 8,
            future_bytes: 8,
        }
    }

    #[test]
    fn ratios_are_compared_instead_of_nanoseconds() {
        let rows = vec![
            row(Bare::NAME, Bare::Echo.who(), 2.0),
            row(REFERENCE.0, REFERENCE.1, 42.0),
            row("retry", "mainstay", 22.0),
            row("breaker", "mainstay", 52.0),
            row("fallback", "mainstay", 3.0),
        ];
        let before = r#"{ "rows": [{ "name": "retry, mainstay", "ratio": 0.5 }, { "name": "breaker, mainstay", "ratio": 1.0 }] }"#;
        let (table, baseline) = (Table(rows), Baseline::parse(before).unwrap());
        let words: Vec<String> = table.rows().map(|row| baseline.words(&table, row)).collect();
        assert_eq!(words[2..], ["=", "**+25 %, worse**", "new"]);
        assert_eq!(baseline.worst(&table), Some(("breaker, mainstay".to_owned(), 25.0)));
        assert!(Baseline::parse("{}").is_err() && Baseline::parse("").is_err());
    }
}
