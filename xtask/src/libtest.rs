//! Reads the totals that `cargo test` prints: one `test result:` line per test binary.

use crate::counted::Totals;
use crate::tally::Tally;

#[derive(Debug, Default)]
pub(crate) struct Libtest {
    /// The `N` of `running N tests`. The output of a failed test is not indented, so a line in the form of a result
    /// counts only if its numbers add up to `N`.
    announced: Option<u64>,
    found: Option<Tally>,
}

// === impl Libtest ===

impl Totals for Libtest {
    fn read(&mut self, line: &str) {
        if let Some(announced) = announcement(line) {
            self.announced = Some(announced);
        } else if let Some((tally, ran)) = result(line)
            && self.announced == Some(ran)
        {
            self.announced = None;
            *self.found.get_or_insert_default() += tally;
        }
    }

    fn found(&self) -> Option<Tally> {
        self.found
    }
}

fn announcement(line: &str) -> Option<u64> {
    let (count, rest) = line.strip_prefix("running ")?.split_once(' ')?;
    matches!(rest, "test" | "tests").then(|| count.parse().ok())?
}

/// Returns the totals of a test binary, and the number of its tests.
fn result(line: &str) -> Option<(Tally, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut tally = Tally::default();
    let mut ran = 0;
    for part in counts.split("; ") {
        let Some((count, label)) = part.split_once(' ') else { continue };
        let Ok(count) = count.parse::<u64>() else { continue };
        match label {
            "passed" => tally.passed = count,
            "failed" => tally.failed = count,
            "ignored" => tally.skipped = count,
            "measured" => {}
            _ => continue,
        }
        ran += count;
    }
    Some((tally, ran))
}

#[cfg(test)]
mod tests {
    use super::{Libtest, Tally, Totals};

    fn found(output: &str) -> Option<Tally> {
        let mut totals = Libtest::default();
        output.lines().for_each(|line| totals.read(line));
        totals.found()
    }

    #[test]
    fn totals_of_binaries_are_added() {
        let output = "\
running 4 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s
running 1 test
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
running 0 tests
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(found(output), Some(Tally { passed: 3, failed: 1, skipped: 1 }));
    }

    #[test]
    fn output_of_a_test_is_not_a_result() {
        let output = "\
running 2 tests
---- prints stdout ----
test result: ok. 300 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(found(output), Some(Tally { passed: 1, failed: 1, skipped: 0 }));
    }

    #[test]
    fn other_lines_are_ignored() {
        assert_eq!(found("test tests::a ... ok\nrunning late\n\ntest result: what"), None);
    }
}
