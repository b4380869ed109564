//! A step of the tests: the bars of the scenarios in a release build, and equal hashes in debug and release.

use std::io;

use crate::cargo::cargo;
use crate::counted::counted;
use crate::finding::{Finding, Verdict};
use crate::libtest::Libtest;
use crate::nextest::Nextest;
use crate::process::works;

const PACKAGE: &str = "mainstay-scenarios";

/// The step: asserts the bars, then compares the builds.
pub(crate) fn step() -> io::Result<Finding> {
    let finding = bars()?;
    if !matches!(finding.verdict, Verdict::Passed) {
        return Ok(finding);
    }
    let (debug, release) = (hashes(&[])?, hashes(&["--release"])?);
    println!("{release}");
    let verdict = match debug == release {
        true => Verdict::Passed,
        false => Verdict::Failed(format!("a debug build gives other hashes than a release build:\n{debug}")),
    };
    Ok(Finding { verdict, ..finding })
}

fn bars() -> io::Result<Finding> {
    if works(&mut cargo(["nextest", "--version"])) {
        let args = format!("nextest run --release --locked --package {PACKAGE} --no-fail-fast --no-capture");
        return counted(&args, Nextest::default());
    }
    counted(&format!("test --release --locked --package {PACKAGE} --no-fail-fast -- --nocapture"), Libtest::default())
}

/// Runs one small cell of each scenario in a build, and returns the printed hashes.
fn hashes(profile: &[&str]) -> io::Result<String> {
    let args = ["run", "--quiet", "--locked", "--package", PACKAGE];
    let output = cargo(args.into_iter().chain(profile.iter().copied()).chain(["--", "--hash"])).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
