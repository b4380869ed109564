//! Runs a test runner and counts its tests, by the rule that no failure may look clean.

use std::env;
use std::io;
use std::process::Command;

use crate::cargo::cargo;
use crate::finding::{Finding, Verdict};
use crate::listen::{Ended, SILENCE, listen};
use crate::tally::Tally;

/// Finds the totals in the lines that a runner prints.
pub(crate) trait Totals {
    fn read(&mut self, line: &str);

    /// The totals so far, if the runner has printed any.
    fn found(&self) -> Option<Tally>;
}

/// Runs `cargo <args>` and counts its tests.
pub(crate) fn counted(args: &str, mut totals: impl Totals) -> io::Result<Finding> {
    let mut command = cargo(args.split(' '));
    pin_random_inputs(&mut command);
    let ended = listen(&mut command, SILENCE, |line| totals.read(line))?;
    Ok(judged(ended, totals.found()))
}

/// Holds what the runner printed against how it ended.
fn judged(ended: Ended, found: Option<Tally>) -> Finding {
    let mut tests = found.unwrap_or_default();
    let problem = match ended {
        Ended::Well if found.is_some() => None,
        Ended::Well => Some("the runner printed no totals that xtask can read".to_owned()),
        Ended::Silent => Some(format!("a test hangs: no output for {SILENCE:?} (counted as one failure)")),
        Ended::Badly if tests.failed > 0 => Some(format!("failed tests: {}", tests.failed)),
        Ended::Badly => Some("the build failed, or a test program died (counted as one failure)".to_owned()),
    };
    match ended {
        Ended::Silent => tests.failed += 1,
        Ended::Badly => tests.failed = tests.failed.max(1),
        Ended::Well => {}
    }
    Finding { verdict: problem.map_or(Verdict::Passed, Verdict::Failed), tests }
}

/// Property tests draw the same cases in every run, unless the caller asks for others.
fn pin_random_inputs(command: &mut Command) {
    const SEED: &str = "PROPTEST_RNG_SEED";
    if env::var_os(SEED).is_none() {
        command.env(SEED, "20240229");
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Tally, Verdict, judged};

    fn tally(passed: u64, failed: u64) -> Option<Tally> {
        Some(Tally { passed, failed, skipped: 0 })
    }

    fn shown(ended: Ended, found: Option<Tally>) -> String {
        let finding = judged(ended, found);
        let verdict = if matches!(finding.verdict, Verdict::Passed) { "ok" } else { "FAILED" };
        format!("{verdict}: {}", finding.tests)
    }

    #[test]
    fn a_clean_run_passes() {
        assert_eq!(shown(Ended::Well, tally(3, 0)), "ok: 3 passed, 0 failed");
    }

    #[test]
    fn failed_tests_are_counted_once() {
        assert_eq!(shown(Ended::Badly, tally(3, 2)), "FAILED: 3 passed, 2 failed");
    }

    #[test]
    fn a_runner_that_died_counts_as_a_failure() {
        assert_eq!(shown(Ended::Badly, None), "FAILED: 0 passed, 1 failed");
        assert_eq!(shown(Ended::Badly, tally(3, 0)), "FAILED: 3 passed, 1 failed");
    }

    #[test]
    fn a_hung_test_counts_as_a_failure() {
        assert_eq!(shown(Ended::Silent, tally(3, 2)), "FAILED: 3 passed, 3 failed");
    }

    #[test]
    fn totals_that_cannot_be_read_are_a_failure() {
        assert_eq!(shown(Ended::Well, None), "FAILED: 0 passed, 0 failed");
    }
}
