//! Reads the totals that `cargo test` prints: one `test result:` line per test binary.

use crate::tally::Tally;

/// The totals of one binary, when `line` is its last word.
pub(crate) fn result(line: &str) -> Option<Tally> {
    // Not trimmed: what a failed test printed is quoted at the margin too, but never a whole run's result.
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut tally = Tally::default();
    for part in counts.split("; ") {
        let Some((count, label)) = part.split_once(' ') else {
            continue;
        };
        let into = match label {
            "passed" => &mut tally.passed,
            "failed" => &mut tally.failed,
            "ignored" => &mut tally.skipped,
            _ => continue,
        };
        *into = count.parse().ok()?;
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::{Tally, result};

    #[test]
    fn reads_a_passing_binary() {
        let line = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        assert_eq!(
            result(line),
            Some(Tally {
                passed: 3,
                failed: 0,
                skipped: 1
            })
        );
    }

    #[test]
    fn reads_a_failing_binary() {
        let line = "test result: FAILED. 3 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s";
        assert_eq!(
            result(line),
            Some(Tally {
                passed: 3,
                failed: 12,
                skipped: 0
            })
        );
    }

    #[test]
    fn ignores_other_lines() {
        for line in [
            "test tests::a ... ok",
            "running 3 tests",
            "",
            "    test result: ok. 1 passed; 0 failed",
        ] {
            assert_eq!(result(line), None, "{line}");
        }
    }
}
