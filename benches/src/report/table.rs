//! The table, as Markdown.

use std::fmt::Write;

use super::{baseline::Baseline, machine::Machine};
use crate::figures::{Figures, REFERENCE, Table};

/// Returns the table of a run, with the changes against `baseline`.
pub(crate) fn markdown(table: &Table, machine: &Machine, baseline: Option<&Baseline>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, table, machine, baseline);
    text
}

fn write(text: &mut String, table: &Table, machine: &Machine, baseline: Option<&Baseline>) -> std::fmt::Result {
    writeln!(text, "{}.\n", machine.sentence())?;
    writeln!(
        text,
        "Nanoseconds of thread CPU time above the bare service, first quartile of interleaved rounds; their ratio to"
    )?;
    writeln!(text, "{}; allocations of a call; bytes of service and future; throughput of two", REFERENCE.1)?;
    writeln!(text, "threads against one, with no, 250 ns and 1 µs of work between calls.\n")?;
    let change = if baseline.is_some() { " against the baseline |" } else { "" };
    writeln!(text, "| | whose | ns | ratio | allocations | service | future | 2 threads | 250 ns | 1 µs |{change}")?;
    writeln!(text, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|{}", if baseline.is_some() { "---|" } else { "" })?;
    let mut before = "";
    for row in table.rows() {
        let pattern = if row.pattern == before { "" } else { &row.pattern };
        before = &row.pattern;
        line(text, table, pattern, row)?;
        match baseline {
            Some(baseline) => writeln!(text, " {} |", baseline.words(table, row))?,
            None => writeln!(text)?,
        }
    }
    curves(text, table)
}

fn line(text: &mut String, table: &Table, pattern: &str, row: &Figures) -> std::fmt::Result {
    // The bare service itself has no ratio.
    let (nanos, ratio) = match row.is_bare() {
        true => (row.nanos, String::new()),
        false => (table.net(row), format!("{:.2}", table.ratio(row))),
    };
    let allocations = row.allocations.map_or("?".to_owned(), |count| format!("{}", (count * 10.0).round() / 10.0));
    let [none, some, much] = row.two_threads.map(|times| format!("{times:.2}x"));
    write!(
        text,
        "| {pattern} | {} | {} | {ratio} | {allocations} | {} | {} | {none} | {some} | {much} |",
        row.who,
        nanoseconds(nanos),
        row.service_bytes,
        row.future_bytes,
    )
}

fn curves(text: &mut String, table: &Table) -> std::fmt::Result {
    let mut before = (String::new(), String::new());
    for (row, at) in table.points() {
        if (&before.0, &before.1) != (&row.pattern, &row.who) {
            before = (row.pattern.clone(), row.who.clone());
            write!(text, "\n\n{}, {}, ns above the bare service:", row.pattern, row.who)?;
        } else {
            write!(text, ",")?;
        }
        write!(text, " {} at {at}", nanoseconds(table.net(row)))?;
    }
    writeln!(text)
}

/// Formats nanoseconds with a decimal below a hundred, and with commas above a thousand.
pub(crate) fn nanoseconds(nanos: f64) -> String {
    if nanos < 100.0 {
        return format!("{nanos:.1}");
    }
    let digits = format!("{nanos:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn nanoseconds_are_rounded() {
        assert_eq!([0.0, 9.96, 99.9].map(nanoseconds), ["0.0", "10.0", "99.9"]);
        assert_eq!([123.4, 1_234.0, 1_090_000.0].map(nanoseconds), ["123", "1,234", "1,090,000"]);
    }
}
