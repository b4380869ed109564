//! Reads the totals that `cargo nextest run` prints: one `Summary` line per run.

use crate::counted::Totals;
use crate::tally::Tally;

#[derive(Debug, Default)]
pub(crate) struct Nextest {
    found: Option<Tally>,
}

// === impl Nextest ===

impl Totals for Nextest {
    fn read(&mut self, line: &str) {
        // `--failure-output immediate` prints the output of failed tests before the summary: the last one counts.
        self.found = summary(line).or(self.found);
    }

    fn found(&self) -> Option<Tally> {
        self.found
    }
}

/// Returns the totals if `line` is the summary of the run:
/// `     Summary [   1.2s] 9/10 tests run: 6 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 3 skipped`.
fn summary(line: &str) -> Option<Tally> {
    // Exactly five spaces: the output of a test is indented further.
    let (ran, counts) = line.strip_prefix("     Summary [")?.split_once(" run: ")?;
    let mut tally = Tally::default();
    for part in without_remarks(counts).split(',') {
        let (count, label) = part.trim().split_once(' ')?;
        let count: u64 = count.parse().ok()?;
        match label.trim() {
            "passed" => tally.passed += count,
            "skipped" => tally.skipped += count,
            // "failed", "timed out", "exec failed".
            _ => tally.failed += count,
        }
    }
    tally.skipped += never_started(ran);
    Some(tally)
}

/// Removes the parts in parentheses: the tests in `passed (1 slow, 1 leaky)` are counted already.
fn without_remarks(counts: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::with_capacity(counts.len());
    for c in counts.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// Returns how many tests an aborted run did not start: seven for `3/10 tests`.
fn never_started(ran: &str) -> u64 {
    let fraction = ran.split_whitespace().find_map(|word| word.split_once('/'));
    let Some((started, planned)) = fraction else {
        return 0;
    };
    match (started.parse::<u64>(), planned.parse::<u64>()) {
        (Ok(started), Ok(planned)) => planned.saturating_sub(started),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Nextest, Tally, Totals, summary};

    #[test]
    fn clean_run_is_read() {
        let line = "     Summary [   0.005s] 3 tests run: 3 passed, 1 skipped";
        assert_eq!(summary(line), Some(Tally { passed: 3, failed: 0, skipped: 1 }));
        let line = "     Summary [   0.005s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(summary(line), Some(Tally { passed: 1, failed: 0, skipped: 0 }));
    }

    #[test]
    fn every_kind_of_failure_is_counted() {
        let line = "     Summary [  61.2s] 9 tests run: 5 passed (2 slow, 1 leaky), 1 failed (1 due to being leaky), 2 timed out, 1 exec failed, 3 skipped";
        assert_eq!(summary(line), Some(Tally { passed: 5, failed: 4, skipped: 3 }));
    }

    #[test]
    fn tests_not_started_count_as_skipped() {
        let line = "     Summary [   0.1s] 3/10 tests run: 2 passed, 1 failed, 4 skipped";
        assert_eq!(summary(line), Some(Tally { passed: 2, failed: 1, skipped: 11 }));
    }

    #[test]
    fn other_lines_are_ignored() {
        for line in
            ["        PASS [   0.004s] xtask tally::tests::sums", "Summary", "", "     Summary [ 1s] nothing ran"]
        {
            assert_eq!(summary(line), None, "{line}");
        }
    }

    #[test]
    fn output_of_a_test_is_not_a_summary() {
        let mut totals = Nextest::default();
        let real = "     Summary [   0.005s] 3 tests run: 2 passed, 1 failed, 0 skipped";
        let quoted = "         Summary [   0.005s] 300 tests run: 300 passed, 0 skipped";
        for line in [quoted, real, quoted, ""] {
            totals.read(line);
        }
        assert_eq!(totals.found(), Some(Tally { passed: 2, failed: 1, skipped: 0 }));
    }
}
