//! `cargo xtask test`: every check that a change must pass, locally and in CI.

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
    about: "Runs all checks of CI: formatting, lints, tests, each crate and feature alone, docs.",
    help: "\
--only STEP   run one step, by name or number (may be repeated)
--list        list the steps

Missing tools are installed if possible (rustup, apt as root). All steps run, even after a failure.
The last line is `N passed, N failed[, N skipped]`: the tests of all steps.
PROPTEST_RNG_SEED=N changes the cases of the property tests, which are the same in every run.",
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
    /// Indices into `STEPS`, in ascending order.
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
    fn no_option_runs_every_step() {
        assert_eq!(parsed(""), Ok(Request::Run((0..STEPS.len()).collect())));
    }

    #[test]
    fn steps_are_chosen_by_name_and_number() {
        assert_eq!(parsed("--only clippy --only=1 --only 2"), Ok(Request::Run(vec![0, 1, 3])));
    }

    #[test]
    fn list_option_lists_steps() {
        assert_eq!(parsed("--list"), Ok(Request::List));
    }

    #[test]
    fn unknown_step_or_option_is_an_error() {
        assert_eq!(parsed("--only doctest"), Err("unknown step `doctest`: did you mean `doctests`?".into()));
        assert_eq!(parsed("--onyl fmt"), Err("unknown option `--onyl`: did you mean `--only`?".into()));
        assert_eq!(parsed("--only"), Err("--only needs the name of a step".into()));
        assert!(parsed("--only 0").is_err());
        assert!(parsed("--only 99").is_err());
    }

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
