//! `cargo xtask gate`, and a step of the tests: counts the instructions, locked operations, allocations and copied bytes of a
//! call through each layer.
//!
//! The counts are the same in every run, however busy the machine is. A bound on them can fail a change; a bound on
//! nanoseconds would only make people rerun the tests. `tests/allocations.rs` holds allocations to zero.

mod bounds;
mod cost;
mod locked;

use std::io;
use std::path::PathBuf;
use std::process::{Command as Process, ExitCode};

use crate::bench::target;
use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::finding::{Finding, Verdict};
use crate::process::run;
use crate::tally::Tally;
use crate::{suggest, tools};

use bounds::Bounds;
use cost::{Cost, Counter};

pub(crate) const COMMAND: Command = Command {
    name: "gate",
    about: "Counts the instructions of a call through each layer, and checks benches/results/bounds.json.",
    help: "\
--save       replaces the bounds: 15 % above the instructions and copied bytes counted now
--row NAME   only counts the rows with NAME in their names, those of Tower too; checks nothing

Instructions, locked operations, allocations and copied bytes of one call, counted by valgrind: x86-64 Linux only. A step of
`cargo xtask test`.",
    run: command,
};

fn command(args: &[String]) -> ExitCode {
    let outcome = match args {
        [] => step(),
        [flag] if flag == "--save" => save_bounds(),
        [flag, name] if flag == "--row" => print_rows(name),
        [flag] if flag == "--row" => {
            eprintln!("--row needs a name");
            return ExitCode::from(USAGE);
        }
        [.., other] => {
            eprintln!("{}", suggest::unknown("option", other, ["--save", "--row", "--help"]));
            return ExitCode::from(USAGE);
        }
    };
    match outcome.map(|finding| finding.verdict) {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Skipped(why)) => {
            eprintln!("nothing was counted: {why}");
            ExitCode::FAILURE
        }
        Ok(Verdict::Failed(what)) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("counting failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The step of the tests; each row counts as one test.
pub(crate) fn step() -> io::Result<Finding> {
    counted(has_bound, |costs| {
        let bounds = Bounds::read()?;
        println!("{}", bounds.table(costs));
        let failures = bounds.failures(costs);
        let failed = failures.len() as u64;
        let passed = costs.iter().filter(|(row, cost)| bounds.failure(row, *cost).is_none()).count() as u64;
        let tests = Tally { passed, failed, skipped: 0 };
        let verdict = if failed == 0 { Verdict::Passed } else { Verdict::Failed(failures.join("\n    ")) };
        Ok(Finding { verdict, tests })
    })
}

fn save_bounds() -> io::Result<Finding> {
    counted(has_bound, |costs| {
        let bounds = Bounds::above(costs);
        println!("{}", bounds.table(costs));
        bounds.write()?;
        println!("{}", bounds::FILE);
        Ok(Verdict::Passed.into())
    })
}

fn print_rows(name: &str) -> io::Result<Finding> {
    counted(
        |row| row.contains(name),
        |costs| {
            println!("{}", Bounds::read()?.table(costs));
            Ok(Verdict::Passed.into())
        },
    )
}

/// Counts the selected rows, and calls `evaluate` with the costs. Skipped if this machine cannot count.
fn counted(
    is_selected: impl Fn(&str) -> bool,
    evaluate: impl FnOnce(&[(String, Cost)]) -> io::Result<Finding>,
) -> io::Result<Finding> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Verdict::Skipped("the bounds are for x86-64 Linux").into());
    }
    if let Err(problem) = tools::install(tools::COUNTERS) {
        println!("{problem}");
        return Ok(Verdict::Skipped("valgrind or objdump is missing (Debian: apt install valgrind binutils)").into());
    }
    if !run(&mut cargo(["build", "--release", "--locked", "--package", "mainstay-benches"]))? {
        return Ok(Verdict::Failed("the build failed".to_owned()).into());
    }
    let bench = root().join(target()).join("release/mainstay-benches");
    let rows = rows(&bench, is_selected)?;
    println!("counting {} rows", rows.len());
    let mut counter = Counter::new(bench);
    let costs = rows.into_iter().map(|row| Ok((row.clone(), counter.cost(&row)?)));
    evaluate(&costs.collect::<io::Result<Vec<_>>>()?)
}

fn rows(bench: &PathBuf, is_selected: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let output = Process::new(bench).arg("--list").output()?;
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.lines().filter(|name| is_selected(name)).map(str::to_owned).collect())
}

/// Returns whether `row` has a bound: a row of Mainstay that is no point of a curve (whose name ends in a number).
fn has_bound(row: &str) -> bool {
    let is_point = row.rsplit(", ").next().is_some_and(|last| last.parse::<u64>().is_ok());
    !is_point && row.split(", ").any(|part| part == "mainstay")
}

#[cfg(test)]
mod tests {
    use super::has_bound;

    #[test]
    fn rows_of_mainstay_are_counted_except_points_of_curves() {
        assert!(has_bound("breaker closed, last 30 s, mainstay"));
        assert!(has_bound("breaker noticing abandoned calls, mainstay, leaked"));
        assert!(!has_bound("keys of a keyed breaker, mainstay, 1000"));
        assert!(!has_bound("full bulkhead refuses, tower LoadShed") && !has_bound("bare service, answers at once"));
    }
}
