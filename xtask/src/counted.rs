//! Runs a test runner and counts its tests, by the rule that no failure may look clean.

use std::env;
use std::io;
use std::process::Command;
use std::sync::Mutex;

use crate::cargo::cargo;
use crate::finding::{Finding, Verdict};
use crate::process::run_reading;
use crate::tally::Tally;

/// Runs tests and counts them: `read` finds totals in a line, `merge` adds them to those found so far.
pub(crate) fn counted(
    args: &str,
    read: fn(&str) -> Option<Tally>,
    merge: fn(Tally, Tally) -> Tally,
) -> io::Result<Finding> {
    let mut command = cargo(args.split(' '));
    pin_random_inputs(&mut command);
    let found = Mutex::new(None);
    let success = run_reading(&mut command, |line| {
        if let (Some(totals), Ok(mut found)) = (read(line), found.lock()) {
            *found = Some(found.map_or(totals, |so_far| merge(so_far, totals)));
        }
    })?;
    Ok(judged(success, found.into_inner().unwrap_or_default()))
}

/// Holds what the runner printed against how it ended, so that the last line can never look clean by mistake.
fn judged(success: bool, found: Option<Tally>) -> Finding {
    let mut tests = found.unwrap_or_default();
    let verdict = match (success, found) {
        (true, Some(_)) => Verdict::Passed,
        (true, None) => Verdict::Failed("the runner printed no totals that xtask can read".into()),
        (false, _) if tests.failed > 0 => {
            Verdict::Failed(format!("failed tests: {}", tests.failed))
        }
        (false, _) => {
            tests.failed = 1;
            Verdict::Failed(
                "no test was named: the build failed, or a test program died (counted as one)"
                    .into(),
            )
        }
    };
    Finding { verdict, tests }
}

/// The merge for a runner that prints totals per test binary.
pub(crate) fn sum(mut a: Tally, b: Tally) -> Tally {
    a += b;
    a
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
    use super::{Finding, Tally, Verdict, judged};

    fn tally(passed: u64, failed: u64) -> Tally {
        Tally {
            passed,
            failed,
            skipped: 0,
        }
    }

    #[test]
    fn a_clean_run_passes() {
        let finding = judged(true, Some(tally(3, 0)));
        assert!(
            matches!(finding, Finding { verdict: Verdict::Passed, tests } if tests == tally(3, 0))
        );
    }

    #[test]
    fn a_runner_that_died_counts_as_a_failure() {
        for found in [None, Some(tally(3, 0))] {
            let finding = judged(false, found);
            assert!(matches!(finding.verdict, Verdict::Failed(_)));
            assert_eq!(finding.tests.failed, 1);
        }
    }

    #[test]
    fn totals_that_cannot_be_read_are_a_failure() {
        assert!(matches!(judged(true, None).verdict, Verdict::Failed(_)));
    }
}
