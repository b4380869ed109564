//! `cargo xtask package`: the packages as they would be published, built from their archives. The step of the tests
//! makes the archives and does not build them.
//!
//! The packages are named one by one: `cargo package --workspace` refuses this workspace, whose private packages depend
//! on each other.

use std::io;
use std::process::ExitCode;

use crate::cargo::{cargo, metadata};
use crate::command::{Command, USAGE};
use crate::finding::{Finding, Verdict};
use crate::process::run;
use crate::published::{Published, published};
use crate::suggest;

pub(crate) const COMMAND: Command = Command {
    name: "package",
    about: "Makes the archives that crates.io would get, and builds each of them.",
    help: "\
Checks first that each manifest has what crates.io shows. Takes minutes: the step `package` of the tests does not build
the archives.",
    run: command,
};

fn command(args: &[String]) -> ExitCode {
    if let Some(arg) = args.first() {
        eprintln!("{}", suggest::unknown("option", arg, ["--help"]));
        return ExitCode::from(USAGE);
    }
    match packaged(|packages| run(&mut cargo(arguments(packages, &[])))) {
        Ok(Finding { verdict: Verdict::Passed, .. }) => ExitCode::SUCCESS,
        Ok(Finding { verdict: Verdict::Failed(what), .. }) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
        Ok(Finding { verdict: Verdict::Skipped(_), .. }) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("no package was made: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The step of the tests. It needs no network if the dependencies are downloaded, as after a build.
pub(crate) fn step() -> io::Result<Finding> {
    packaged(|packages| {
        let flags = ["--no-verify", "--allow-dirty", "--quiet"];
        let offline = [&flags[..], &["--offline"]].concat();
        Ok(run(&mut cargo(arguments(packages, &offline)))? || run(&mut cargo(arguments(packages, &flags)))?)
    })
}

/// Calls `package` with the packages that can be published, if their manifests are complete.
fn packaged(package: impl FnOnce(&[Published]) -> io::Result<bool>) -> io::Result<Finding> {
    let packages = published(&metadata()?).map_err(io::Error::other)?;
    let incomplete = packages.iter().filter(|package| !package.missing.is_empty());
    let incomplete: Vec<_> =
        incomplete.map(|package| format!("{} lacks {}", package.name, package.missing.join(", "))).collect();
    if !incomplete.is_empty() {
        return Ok(Verdict::Failed(incomplete.join("\n    ")).into());
    }
    Ok(package(&packages)?.into())
}

fn arguments<'a>(packages: &'a [Published], flags: &[&'a str]) -> Vec<&'a str> {
    let names = packages.iter().flat_map(|package| ["--package", &package.name]);
    ["package", "--locked"].into_iter().chain(flags.iter().copied()).chain(names).collect()
}
