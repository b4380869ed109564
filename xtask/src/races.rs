//! `cargo xtask races`: the races between two threads, in a million rounds each.

use std::process::ExitCode;

use crate::cargo::cargo;
use crate::command::{Command, USAGE};
use crate::process::run;

pub(crate) const COMMAND: Command = Command {
    name: "races",
    about: "Runs each race between two threads a million times: no wake-up lost, no status stale.",
    help: "\
The suite runs a short form of the same tests. The machine needs two free processors, and some minutes.
    ROUNDS   the number of rounds (1000000)",
    run: command,
};

const ROUNDS: &str = "1000000";

fn command(args: &[String]) -> ExitCode {
    let rounds = match args {
        [] => ROUNDS,
        [rounds] if rounds.parse::<u64>().is_ok() => rounds,
        _ => {
            eprintln!("`cargo xtask races` takes one number, the rounds");
            return ExitCode::from(USAGE);
        }
    };
    let args = "test --release --locked --package mainstay-tests --test races -- --nocapture --test-threads 1";
    match run(cargo(args.split(' ')).env("RACE_ROUNDS", rounds)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
