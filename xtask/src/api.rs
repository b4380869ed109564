//! `cargo xtask api`: lists the public items of every library as text that can be compared.

mod items;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::bench::target;
use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::process::works;

pub(crate) const COMMAND: Command = Command {
    name: "api",
    about: "Lists the public items of each library, sorted: to compare the API of two commits.",
    help: "\
Builds the documentation as JSON, whose format is unstable in rustdoc; so this is not a step of the tests.
Items with #[doc(hidden)] are not listed.",
    run: command,
};

fn command(args: &[String]) -> ExitCode {
    if !args.is_empty() {
        eprintln!("`cargo xtask api` takes no options");
        return ExitCode::from(USAGE);
    }
    match api() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the items cannot be listed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn api() -> io::Result<bool> {
    let libraries = libraries()?;
    let target = root().join(target()).join("api");
    fs::create_dir_all(&target)?;
    let rustdoc = target.join("rustdoc");
    // Set for rustdoc alone: RUSTC_BOOTSTRAP in cargo's environment would rebuild every dependency.
    fs::write(&rustdoc, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    if !works(std::process::Command::new("chmod").arg("+x").arg(&rustdoc)) {
        return Err(io::Error::other("rustdoc needs a wrapper script here, and chmod does not work"));
    }
    let mut command = cargo(["doc", "--quiet", "--locked", "--no-deps", "--lib", "--all-features"]);
    command.args(libraries.iter().flat_map(|name| ["--package", name])).env("RUSTDOC", &rustdoc);
    command.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow");
    if !command.status()?.success() {
        return Ok(false);
    }
    for name in &libraries {
        let file = target.with_file_name("doc").join(format!("{}.json", name.replace('-', "_")));
        println!("# {name}");
        for line in list(&file)? {
            println!("{line}");
        }
    }
    Ok(true)
}

fn list(file: &Path) -> io::Result<Vec<String>> {
    let json = serde_json::from_slice(&fs::read(file)?)?;
    items::items(&json).map_err(io::Error::other)
}

/// Returns the names of the packages in `crates`.
fn libraries() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let manifest = fs::read_to_string(entry?.path().join("Cargo.toml"))?;
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        names.extend(name.map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}
