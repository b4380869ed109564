//! The costs in the README are those of `benches/results`.

use super::{generated::check_block, read};

/// Where a figure stands: the row of a table, and the start of its column `whose`.
struct Source(&'static str, &'static str);

/// A line of the README: its label, then the figures of Mainstay, Tower, tower-resilience and seatbelt, each with a
/// remark.
type Line = (&'static str, [Option<(Source, &'static str)>; 4]);

const fn of(row: &'static str, whose: &'static str, remark: &'static str) -> Option<(Source, &'static str)> {
    Some((Source(row, whose), remark))
}

const BREAKER: &str = "breaker noticing abandoned calls";
const BULKHEAD: &str = "bulkhead, free";
const TIMEOUT: &str = "attempt timeout, inner ready";
const RETRY: &str = "retry, first try works";
const STACK: &str = "fallback(retry(breaker(bulkhead)))";

const LINES: [Line; 6] = [
    (
        "breaker, counting abandoned calls",
        [
            of(BREAKER, "mainstay", ""),
            None,
            of("breaker closed, last 100", "tower-resilience", "does not count them"),
            of(BREAKER, "seatbelt", ""),
        ],
    ),
    (
        "bulkhead",
        [
            of(BULKHEAD, "mainstay", ""),
            of(BULKHEAD, "tower ConcurrencyLimit", ""),
            of(BULKHEAD, "tower-resilience", ""),
            None,
        ],
    ),
    (
        "attempt timeout, inner ready",
        [
            of(TIMEOUT, "mainstay", ""),
            of(TIMEOUT, "tower Timeout", ""),
            of(TIMEOUT, "tower-resilience", ""),
            of(TIMEOUT, "seatbelt", ""),
        ],
    ),
    (
        "retry with a budget, first attempt succeeds",
        [
            of(RETRY, "mainstay", ""),
            of(RETRY, "tower Retry + TpsBudget", ""),
            of(RETRY, "tower-resilience", ""),
            of(RETRY, "seatbelt", "no budget"),
        ],
    ),
    (
        "fallback(retry(breaker(bulkhead)))",
        [
            of(STACK, "mainstay", ""),
            of(STACK, "tower shed(retry(timeout(limit)))", "shed, retry, timeout, limit"),
            of(STACK, "tower-resilience", ""),
            of(STACK, "seatbelt", "timeout for bulkhead"),
        ],
    ),
    ("standard stack: timeouts, retry, failover, bulkheads", [of("standard stack", "mainstay", ""), None, None, None]),
];

/// Returns the columns `ns` and `ratio` of a row, whose name stands only in the first of its lines.
fn figures(table: &str, Source(row, whose): &Source) -> (String, String) {
    let mut current = "";
    for line in table.lines() {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, this, ns, ratio, ..] = cells[..] else { continue };
        current = if name.is_empty() { current } else { name };
        let this = this.split_once(" (").map_or(this, |(name, _)| name);
        if current == *row && (this == *whose) {
            return (ns.to_owned(), ratio.to_owned());
        }
    }
    panic!("benches/results/table.md has no row {row} of {whose}");
}

#[test]
fn costs_of_the_readme_are_those_of_the_results() {
    let table = read("benches/results/table.md");
    let mut expected =
        String::from("| | mainstay | Tower | tower-resilience 0.13 | seatbelt 0.11 |\n|---|--:|--:|--:|--:|\n");
    for (label, cells) in &LINES {
        expected += "| ";
        expected += label;
        for cell in cells {
            expected += " |";
            let Some((source, remark)) = cell else { continue };
            let (ns, ratio) = figures(&table, source);
            let remark = if remark.is_empty() { String::new() } else { format!(", {remark}") };
            expected += format!(" {ns} ({ratio}{remark})").as_str();
        }
        expected += " |\n";
    }
    check_block("README.md", "costs", &expected);
}
