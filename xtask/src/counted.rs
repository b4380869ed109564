//! Runs a test runner and counts its tests. Any failure of the runner counts as at least one failed test.

use std::env;
use std::io;
use std::process::Command;

use crate::cargo::cargo;
use crate::finding::{Finding, Verdict};
use crate::listen::{Exit, SILENCE, listen};
use crate::tally::Tally;

/// Reads the totals from the output of a test runner.
pub(crate) trait Totals {
    fn read(&mut self, line: &str);

    /// Returns the totals so far, if the runner has printed any.
    fn found(&self) -> Option<Tally>;
}

/// Runs `cargo <args>` and counts its tests.
pub(crate) fn counted(args: &str, mut totals: impl Totals) -> io::Result<Finding> {
    let mut command = cargo(args.split(' '));
    pin_random_inputs(&mut command);
    let exit = listen(&mut command, SILENCE, |line| totals.read(line))?;
    Ok(finding(exit, totals.found()))
}

/// Combines the totals with the exit of the runner.
fn finding(exit: Exit, found: Option<Tally>) -> Finding {
    let mut tests = found.unwrap_or_default();
    let problem = match exit {
        Exit::Success if found.is_some() => None,
        Exit::Success => Some("the runner printed no readable totals".to_owned()),
        Exit::Silent => Some(format!("a test hangs: no output for {SILENCE:?} (counted as one failure)")),
        Exit::Failure if tests.failed > 0 => Some(format!("failed tests: {}", tests.failed)),
        Exit::Failure => Some("the build failed, or a test program died (counted as one failure)".to_owned()),
    };
    match exit {
        Exit::Silent => tests.failed += 1,
        Exit::Failure => tests.failed = tests.failed.max(1),
        Exit::Success => {}
    }
    Finding { verdict: problem.map_or(Verdict::Passed, Verdict::Failed), tests }
}

/// Sets the seed of the property tests, unless the environment has one: every run draws the same cases.
fn pin_random_inputs(command: &mut Command) {
    const SEED: &str = "PROPTEST_RNG_SEED";
    if env::var_os(SEED).is_none() {
        command.env(SEED, "20240229");
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Tally, Verdict, finding};

    fn tally(passed: u64, failed: u64) -> Option<Tally> {
        Some(Tally { passed, failed, skipped: 0 })
    }

    fn shown(exit: Exit, found: Option<Tally>) -> String {
        let finding = finding(exit, found);
        let verdict = if matches!(finding.verdict, Verdict::Passed) { "ok" } else { "FAILED" };
        format!("{verdict}: {}", finding.tests)
    }

    #[test]
    fn clean_run_passes() {
        assert_eq!(shown(Exit::Success, tally(3, 0)), "ok: 3 passed, 0 failed");
    }

    #[test]
    fn failed_tests_are_counted_once() {
        assert_eq!(shown(Exit::Failure, tally(3, 2)), "FAILED: 3 passed, 2 failed");
    }

    #[test]
    fn killed_runner_counts_as_failure() {
        assert_eq!(shown(Exit::Failure, None), "FAILED: 0 passed, 1 failed");
        assert_eq!(shown(Exit::Failure, tally(3, 0)), "FAILED: 3 passed, 1 failed");
    }

    #[test]
    fn hung_test_counts_as_failure() {
        assert_eq!(shown(Exit::Silent, tally(3, 2)), "FAILED: 3 passed, 3 failed");
    }

    #[test]
    fn unreadable_totals_are_a_failure() {
        assert_eq!(shown(Exit::Success, None), "FAILED: 0 passed, 0 failed");
    }
}
