//! The steps of `cargo xtask test`, in the order in which they run: quick ones first.
//!
//! Warnings are denied behind `--` (clippy) or through RUSTDOCFLAGS, never through RUSTFLAGS: that would give every
//! dependency a second fingerprint and build the tree twice. With `--locked`, a Cargo.lock that does not match the
//! manifests is an error; without it cargo would rewrite the file silently.

use std::io;

use crate::alarms::Alarms;
use crate::cargo::{cargo, metadata};
use crate::counted::counted;
use crate::finding::{Finding, Verdict};
use crate::gate;
use crate::libtest::Libtest;
use crate::matrix;
use crate::nextest::Nextest;
use crate::process::{run, shown, works};
use crate::{docs, package, prose, rooms, scenarios};

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> io::Result<Finding>,
}

pub(crate) const STEPS: &[Step] = &[
    step("fmt", "formatting", fmt),
    step("prose", "plain phrases in comments, docs, strings and test names", || checked(prose::check)),
    step("rooms", "no import cycle between the files of a crate", || checked(rooms::check)),
    step("clippy", "lints on every target, warnings denied", clippy),
    step("tests", "unit and integration tests", tests),
    step("doctests", "examples in the documentation", doctests),
    step("features", "each crate alone, then with each feature", features),
    step("docs", "documentation builds, with all features and with the default ones", docs::step),
    step("package", "manifests are complete, and the archives of the crates can be made", package::step),
    step("deny", "licences and advisories of dependencies", deny),
    step("gate", "instructions and locked operations of a call, within their bounds", gate::step),
    step("scenarios", "the bars of the simulations, in a release build", scenarios::step),
];

const fn step(name: &'static str, about: &'static str, run: fn() -> io::Result<Finding>) -> Step {
    Step { name, about, run }
}

/// Runs a check of the sources.
fn checked(check: fn(&str) -> io::Result<Alarms>) -> io::Result<Finding> {
    let alarms = check("")?;
    println!("{alarms}");
    Ok(match alarms.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Failed(format!("{}: {}", alarms.what, alarms.found.len())),
    }
    .into())
}

fn fmt() -> io::Result<Finding> {
    Ok(run(&mut cargo(["fmt", "--all", "--check"]))?.into())
}

fn clippy() -> io::Result<Finding> {
    let args = "clippy --locked --workspace --all-targets --all-features -- -D warnings";
    Ok(run(&mut cargo(args.split(' ')))?.into())
}

fn tests() -> io::Result<Finding> {
    // `--no-fail-fast` runs every test, so that the totals are those of the whole suite.
    if works(&mut cargo(["nextest", "--version"])) {
        let args = "nextest run --locked --workspace --all-features --no-fail-fast --failure-output immediate";
        return counted(args, Nextest::default());
    }
    println!("cargo-nextest is not installed: cargo test runs the tests, one binary at a time");
    let args = "test --locked --workspace --all-features --lib --bins --tests --examples --no-fail-fast";
    counted(args, Libtest::default())
}

fn doctests() -> io::Result<Finding> {
    counted("test --doc --locked --workspace --all-features --no-fail-fast", Libtest::default())
}

fn features() -> io::Result<Finding> {
    let builds = matrix::builds(&metadata()?).map_err(io::Error::other)?;
    let mut failed = Vec::new();
    for build in &builds {
        let mut command = cargo(build.args());
        if !run(&mut command)? {
            failed.push(shown(&command));
        }
    }
    if failed.is_empty() {
        return Ok(Verdict::Passed.into());
    }
    let (count, list) = (failed.len(), failed.join("\n    "));
    Ok(Verdict::Failed(format!("{count} of {} builds:\n    {list}", builds.len())).into())
}

fn deny() -> io::Result<Finding> {
    if !works(&mut cargo(["deny", "--version"])) {
        let why = "cargo-deny is not installed (cargo install --locked cargo-deny)";
        return Ok(Verdict::Skipped(why).into());
    }
    Ok(run(&mut cargo(["deny", "--locked", "check"]))?.into())
}
