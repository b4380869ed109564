//! The step `docs`: the documentation as docs.rs builds it, with all features, and as `cargo doc` of a user builds it,
//! with the default features of one crate: a link to an item of another feature is broken there.

use std::env;
use std::io;

use crate::cargo::{cargo, metadata};
use crate::finding::{Finding, Verdict};
use crate::process::{run, shown};
use crate::published::published;

pub(crate) fn step() -> io::Result<Finding> {
    let flags = env::var("RUSTDOCFLAGS").unwrap_or_default() + " -D warnings";
    let packages = published(&metadata()?).map_err(io::Error::other)?;
    let mut builds = vec![vec!["--workspace", "--all-features"]];
    builds.extend(packages.iter().map(|package| vec!["--quiet", "--package", &package.name]));
    let mut failed = Vec::new();
    for build in builds {
        let mut command = cargo(["doc", "--locked", "--no-deps"].into_iter().chain(build));
        if !run(command.env("RUSTDOCFLAGS", flags.trim_start()))? {
            failed.push(shown(&command));
        }
    }
    Ok(match failed.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Failed(failed.join("\n    ")),
    }
    .into())
}
