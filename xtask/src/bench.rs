//! `cargo xtask bench`: measures the layers, Tower's own layers and the peers in one run.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command as Process, ExitCode};

use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::process::run;
use crate::{suggest, tools};

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    about: "Measures the cost of each layer, and of its counterparts in Tower and in other libraries.",
    help: "\
Prints a table, and writes benches/results/latest.* (Markdown, JSON, SVG). Takes some minutes; use an idle machine.
    --quick               one round with few calls: shows that the bench works
    --rounds N            number of rounds (31)
    --row NAME            only rows with NAME in their names
    --list                lists the rows
    --baseline FILE       the run to compare with (benches/results/baseline.json)
    --fail-above PERCENT  fails if a row of Mainstay is slower than in the baseline by more than this
    --save                replaces the baseline, table and pictures of the repository by those of this run
bench counted [--save]    the stack of four with every call counted, and the peers with their metrics on
bench gateway [--quick]   the cost of the gateway end to end, beside nginx and a bare proxy
bench gateway --instructions
                          the instructions of a request in gateway and bare proxy, by cause (valgrind)",
    run: command,
};

pub(crate) const PACKAGE: &str = "benches/peers/Cargo.toml";
const RESULTS: &str = "benches/results";
const COUNTED: &str = "every call counted";
const INSTRUCTIONS: &str = "--instructions";
const FLAGS: [&str; 7] = ["--quick", "--rounds", "--row", "--list", "--baseline", "--fail-above", "--save"];
/// The files that `--save` copies: from the results of a run, to the repository.
const SAVED: [(&str, &str); 4] = [
    ("latest.json", "benches/results/baseline.json"),
    ("latest.md", "benches/results/table.md"),
    ("latest-layers.svg", "docs/bench-layers.svg"),
    ("latest-curves.svg", "docs/bench-curves.svg"),
];

fn command(args: &[String]) -> ExitCode {
    match args {
        [first, rest @ ..] if first == "gateway" => return code(gateway(rest)),
        [first, rest @ ..] if first == "counted" => return code(counted(rest)),
        _ => {}
    }
    if args.iter().any(|arg| arg == "--save") && args.iter().any(|arg| arg == "--row" || arg == "--quick") {
        eprintln!("--save needs a whole run, without --row and --quick");
        return ExitCode::from(USAGE);
    }
    let takes_value = |arg: &str| matches!(arg, "--row" | "--rounds" | "--baseline" | "--fail-above");
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if !FLAGS.contains(&arg.as_str()) {
            eprintln!("{}", suggest::unknown("option", arg, FLAGS));
            return ExitCode::from(USAGE);
        }
        if takes_value(arg) && rest.next().is_none() {
            eprintln!("{arg} needs a value");
            return ExitCode::from(USAGE);
        }
    }
    code(bench(args))
}

fn bench(args: &[String]) -> io::Result<bool> {
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let results = root().join(RESULTS).to_string_lossy().into_owned();
    let mut passed: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--save").collect();
    if has("--list") {
        return peers(&[], &passed);
    }
    passed.extend(["--out", &results]);
    // In a build of its own: the counting allocator slows every call down.
    if !peers(&["--features", "count"], &counting(&passed))? {
        return Ok(false);
    }
    let baseline = root().join(SAVED[0].1).to_string_lossy().into_owned();
    if !has("--baseline") && !has("--save") && fs::exists(&baseline)? {
        passed.extend(["--baseline", &baseline]);
    }
    if !peers(&[], &passed)? {
        return Ok(false);
    }
    if has("--save") {
        for (from, to) in SAVED {
            fs::copy(root().join(RESULTS).join(from), root().join(to))?;
            println!("{to}");
        }
    }
    Ok(true)
}

/// In a build of its own: with their metrics compiled in, the peers are slower in every row.
fn counted(args: &[String]) -> io::Result<bool> {
    let out = Path::new(&target()).join("counted");
    fs::create_dir_all(&out)?;
    let out = out.to_string_lossy();
    let passed = args.iter().map(String::as_str).filter(|arg| *arg != "--save");
    let passed: Vec<_> = passed.chain(["--row", COUNTED, "--out", &out]).collect();
    let build = |features| ["--bin", "counted", "--features", features];
    if !(peers(&build("count,counted"), &counting(&passed))? && peers(&build("counted"), &passed)?) {
        return Ok(false);
    }
    if args.iter().any(|arg| arg == "--save") {
        fs::copy(Path::new(&*out).join("latest.md"), root().join(RESULTS).join("counted.md"))?;
        println!("{RESULTS}/counted.md");
    }
    Ok(true)
}

/// Returns the arguments for counting allocations: the same rows, without a baseline.
fn counting<'a>(passed: &[&'a str]) -> Vec<&'a str> {
    let mut counting = vec!["--count"];
    let mut rest = passed.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "--baseline" | "--fail-above" => _ = rest.next(),
            arg => counting.push(arg),
        }
    }
    counting
}

/// Builds the bench of `benches/peers` with `flags`, and runs it with `args`.
pub(crate) fn peers(flags: &[&str], args: &[&str]) -> io::Result<bool> {
    let target = target();
    let build = ["run", "--release", "--quiet", "--manifest-path", PACKAGE, "--target-dir", &target];
    run(&mut cargo(build.into_iter().chain(flags.iter().copied()).chain(["--"]).chain(args.iter().copied())))
}

/// Returns the target directory of the workspace, for `benches/peers` too, which is a workspace of its own.
pub(crate) fn target() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| root().join("target").to_string_lossy().into_owned())
}

fn gateway(args: &[String]) -> io::Result<bool> {
    if args.iter().any(|arg| arg == INSTRUCTIONS) {
        return instructions(args);
    }
    let build = ["run", "--release", "--locked", "--package", "mainstay-bench-gateway", "--"];
    run(&mut cargo(build.into_iter().chain(args.iter().map(String::as_str))))
}

/// With line tables, in a target directory of its own: otherwise each change between the two builds compiles everything.
fn instructions(args: &[String]) -> io::Result<bool> {
    if let Err(problem) = tools::install(tools::COUNTERS) {
        return Err(io::Error::other(problem));
    }
    let folder = Path::new(&target()).join("instructions");
    let mut build =
        cargo(["build", "--release", "--locked", "--package", "mainstay-bench-gateway", "--package", "gateway"]);
    build.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only").env("CARGO_TARGET_DIR", &folder);
    // Without cargo's variables the program takes the gateway beside it, and builds none.
    let program = folder.join("release/mainstay-bench-gateway");
    Ok(run(&mut build)? && run(Process::new(program).args(args).env_remove("CARGO"))?)
}

fn code(outcome: io::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counting;

    #[test]
    fn counting_run_has_no_baseline() {
        let passed = ["--quick", "--baseline", "old.json", "--row", "retry", "--fail-above", "10", "--out", "here"];
        assert_eq!(counting(&passed), ["--count", "--quick", "--row", "retry", "--out", "here"]);
    }
}
