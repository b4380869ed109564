//! `cargo xtask test`: everything that must hold before a change goes in, for people and for CI alike.

use std::process::ExitCode;

use crate::clock::now;
use crate::command::{Command, USAGE};
use crate::finding::{Finding, Verdict};
use crate::steps::{STEPS, Step};
use crate::summary::{Done, elapsed};
use crate::tally::Tally;
use crate::{suggest, tools};

pub(crate) const COMMAND: Command = Command {
    name: "test",
    about: "Formatting, lints, tests, every crate and feature alone, docs: all that CI checks.",
    help: "\
--only STEP   run one step, by name or number (may be repeated)
--list        list the steps

Missing tools are installed where that is possible (rustup, apt as root). Every step runs, whatever
failed before it. The last line is `N passed, N failed[, N skipped]`: the tests of all steps.
PROPTEST_RNG_SEED=N draws other cases for the property tests than the usual ones.",
    run: command,
};

fn command(args: &[String]) -> ExitCode {
    match parse(args) {
        Ok(Request::List) => {
            for (i, step) in STEPS.iter().enumerate() {
                println!("{} {:<9} {}", i + 1, step.name, step.about);
            }
            ExitCode::SUCCESS
        }
        Ok(Request::Run(chosen)) => run(&chosen),
        Err(message) => {
            eprintln!("{message}\n`cargo xtask test --list` lists the steps, `cargo xtask help` the options");
            ExitCode::from(USAGE)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    List,
    /// The numbers of the steps, counted from zero, in the order of the table.
    Run(Vec<usize>),
}

fn parse(args: &[String]) -> Result<Request, String> {
    let mut chosen = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--list" {
            return Ok(Request::List);
        } else if arg == "--only" {
            chosen.push(step(args.next().ok_or("--only needs the name of a step")?)?);
        } else if let Some(name) = arg.strip_prefix("--only=") {
            chosen.push(step(name)?);
        } else {
            return Err(suggest::unknown("option", arg, ["--only", "--list", "--help"]));
        }
    }
    if chosen.is_empty() {
        chosen.extend(0..STEPS.len());
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(Request::Run(chosen))
}

fn step(given: &str) -> Result<usize, String> {
    let number = given.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let found = STEPS.iter().enumerate().position(|(i, step)| step.name == given || number == Some(i));
    found.ok_or_else(|| suggest::unknown("step", given, STEPS.iter().map(|step| step.name)))
}

fn run(chosen: &[usize]) -> ExitCode {
    let begun = now();
    let mut tests = Tally::default();
    let mut done = Vec::new();
    let ready = tools::install_missing();
    if let Err(message) = &ready {
        println!("set-up failed: {message}");
    } else {
        for &i in chosen {
            done.push(run_one(i, &STEPS[i], &mut tests));
        }
    }
    println!("\nSummary, after {}", elapsed(begun.elapsed()));
    for done in &done {
        println!("{done}");
    }
    let ok = ready.is_ok() && !done.iter().any(Done::failed);
    println!("{tests}");
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_one(i: usize, step: &Step, tests: &mut Tally) -> Done {
    let number = i + 1;
    println!("\n[{number}/{}] {}: {}", STEPS.len(), step.name, step.about);
    let begun = now();
    let verdict = match (step.run)() {
        Ok(Finding { verdict, tests: counted }) => {
            *tests += counted;
            verdict
        }
        Err(error) => Verdict::Failed(error.to_string()),
    };
    let done = Done { number, name: step.name, verdict, took: begun.elapsed() };
    println!("{done}");
    done
}

#[cfg(test)]
mod tests {
    use super::{Request, STEPS, parse};

    fn parsed(args: &str) -> Result<Request, String> {
        parse(&args.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn runs_everything_unless_told() {
        assert_eq!(parsed(""), Ok(Request::Run((0..STEPS.len()).collect())));
    }

    #[test]
    fn chooses_by_name_and_number_in_table_order() {
        assert_eq!(parsed("--only clippy --only=1 --only 2"), Ok(Request::Run(vec![0, 1, 3])));
    }

    #[test]
    fn lists() {
        assert_eq!(parsed("--list"), Ok(Request::List));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(parsed("--only doctest"), Err("unknown step `doctest`: did you mean `doctests`?".into()));
        assert_eq!(parsed("--onyl fmt"), Err("unknown option `--onyl`: did you mean `--only`?".into()));
        assert_eq!(parsed("--only"), Err("--only needs the name of a step".into()));
        assert!(parsed("--only 0").is_err());
        assert!(parsed("--only 99").is_err());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
