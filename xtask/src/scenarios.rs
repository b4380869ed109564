//! `cargo xtask scenarios`: writes the tables and plots of the simulations.
//!
//! A step of the tests asserts their bars in a release build, and compares the hashes of a debug and a release build.

use std::fs;
use std::io;
use std::process::ExitCode;

use crate::bench::target;
use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::counted::counted;
use crate::finding::{Finding, Verdict};
use crate::libtest::Libtest;
use crate::nextest::Nextest;
use crate::process::{run, works};
use crate::suggest;

pub(crate) const COMMAND: Command = Command {
    name: "scenarios",
    about: "Runs the simulations of stacks under failure, and writes docs/scenarios.",
    help: "\
[NAME..]    only these scenarios, such as s1 or s7b
--seeds N   the seeds 1 to N (5)
--full      the long runs: an hour instead of ten minutes in S7b
--peers     only the scenarios with other libraries, into docs/scenarios/peers

Writes a table and plots for each scenario, with the commit. Takes some minutes, with --full more. One cell, printed:
cargo run --release --package mainstay-scenarios -- s7b pause",
    run: command,
};

const PACKAGE: &str = "mainstay-scenarios";
const FOLDER: &str = "docs/scenarios";
/// The scenarios with other libraries: a workspace of its own.
const PEERS: &str = "tests/scenarios/peers/Cargo.toml";

fn command(args: &[String]) -> ExitCode {
    let (mut names, mut options, mut with_peers) = (Vec::new(), Vec::new(), false);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--full" => options.push(arg.as_str()),
            "--peers" => with_peers = true,
            "--seeds" => {
                let Some(seeds) = rest.next() else {
                    eprintln!("--seeds needs a number");
                    return ExitCode::from(USAGE);
                };
                options.extend([arg.as_str(), seeds.as_str()]);
            }
            flag if flag.starts_with('-') => {
                eprintln!("{}", suggest::unknown("option", flag, ["--full", "--peers", "--seeds", "--help"]));
                return ExitCode::from(USAGE);
            }
            name => names.push(Some(name)),
        }
    }
    if names.is_empty() {
        names.push(None);
    }
    if !options.contains(&"--seeds") {
        options.extend(["--seeds", "5"]);
    }
    let written = match with_peers {
        true => peers().map(|written| vec![written]),
        false => names.iter().map(|name| write(*name, &options)).collect(),
    };
    match written {
        Ok(written) if written.iter().all(|written| *written) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the scenarios failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one scenario, or all, and writes its files.
fn write(name: Option<&str>, options: &[&str]) -> io::Result<bool> {
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let (folder, commit) = (folder.to_string_lossy().into_owned(), commit());
    let mut args = vec!["run", "--release", "--locked", "--package", PACKAGE, "--"];
    args.extend(name);
    args.extend(["--out", &folder, "--commit", &commit]);
    args.extend(options);
    run(&mut cargo(args))
}

/// Runs the scenarios with other libraries.
fn peers() -> io::Result<bool> {
    let (folder, commit, target) = (root().join(FOLDER).join("peers"), commit(), target());
    let build = ["run", "--release", "--locked", "--manifest-path", PEERS, "--target-dir", &target, "--"];
    run(&mut cargo(build.into_iter().chain([&*folder.to_string_lossy(), &*commit])))
}

/// Returns the commit of the checkout, with a mark if it has changes.
fn commit() -> String {
    let output = std::process::Command::new("git")
        .args(["describe", "--always", "--abbrev=10", "--dirty", "--exclude=*"])
        .current_dir(root())
        .output();
    let name = output.ok().filter(|output| output.status.success());
    name.map_or_else(|| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

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
