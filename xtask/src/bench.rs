//! `cargo xtask bench`: what the layers cost, beside Tower's own and the peers, in one run.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::process::run;
use crate::suggest;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    about: "Measures what each layer costs, beside Tower's own and the peers.",
    help: "\
Prints a table, and writes benches/results/latest.* (Markdown, JSON, SVG). Takes some minutes; a quiet machine helps.
    --quick               one round with few calls: to see that it works
    --rounds N            so many instead of 31
    --row NAME            only rows with NAME in their names
    --list                lists the rows
    --baseline FILE       the run to compare with (benches/results/baseline.json)
    --fail-above PERCENT  fails if a row of ours costs more by that, against the baseline
    --save                makes this run the new baseline, table and pictures of the repository
bench counted [--save]    the stack of four with every call counted, beside the peers with their metrics on
bench gateway [--quick]   what the gateway costs end to end, beside nginx and a bare proxy",
    run: command,
};

pub(crate) const PACKAGE: &str = "benches/peers/Cargo.toml";
const RESULTS: &str = "benches/results";
const COUNTED: &str = "every call counted";
const FLAGS: [&str; 7] = ["--quick", "--rounds", "--row", "--list", "--baseline", "--fail-above", "--save"];
/// Where a saved run goes: from the file of the results, to that of the repository.
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
        eprintln!("--save is for a whole run, without --row and --quick");
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
    // Apart from time, for what counts allocations makes them slower.
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

/// Apart from the other rows: in a build with metrics the peers pay for them in all they do.
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

/// The same rows, without a baseline.
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

/// The bench of `benches/peers`, built with these flags and run with those.
pub(crate) fn peers(flags: &[&str], args: &[&str]) -> io::Result<bool> {
    let target = target();
    let build = ["run", "--release", "--quiet", "--manifest-path", PACKAGE, "--target-dir", &target];
    run(&mut cargo(build.into_iter().chain(flags.iter().copied()).chain(["--"]).chain(args.iter().copied())))
}

/// The workspace's own target directory: the peers have a workspace of their own.
pub(crate) fn target() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| root().join("target").to_string_lossy().into_owned())
}

fn gateway(args: &[String]) -> io::Result<bool> {
    let build = ["run", "--release", "--locked", "--package", "mainstay-bench-gateway", "--"];
    run(&mut cargo(build.into_iter().chain(args.iter().map(String::as_str))))
}

fn code(outcome: io::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("no bench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counting;

    #[test]
    fn allocations_are_counted_without_a_baseline() {
        let passed = ["--quick", "--baseline", "old.json", "--row", "retry", "--fail-above", "10", "--out", "here"];
        assert_eq!(counting(&passed), ["--count", "--quick", "--row", "retry", "--out", "here"]);
    }
}
