//! Development tasks of the workspace, run as `cargo xtask <command>`.
//!
//! One file per command. A command is a [`Command`] value, listed once in [`COMMANDS`]; the help text and the
//! suggestion for a mistyped name come from that list. There is no argument parser: the commands take one or two
//! flags each, and the first build of every clone compiles each dependency of this crate.

mod alarms;
mod api;
mod bench;
mod cargo;
mod clock;
mod command;
mod counted;
mod docs;
mod files;
mod finding;
mod gate;
mod libtest;
mod listen;
mod matrix;
mod nextest;
mod package;
mod picture;
mod process;
mod profile;
mod prose;
mod published;
mod races;
mod rooms;
mod rust;
mod scenarios;
mod steps;
mod suggest;
mod summary;
mod tally;
mod test;
mod tools;

use std::process::ExitCode;

use command::{Command, USAGE};

const COMMANDS: &[Command] = &[
    test::COMMAND,
    prose::COMMAND,
    rooms::COMMAND,
    races::COMMAND,
    api::COMMAND,
    package::COMMAND,
    picture::COMMAND,
    bench::COMMAND,
    gate::COMMAND,
    profile::COMMAND,
    scenarios::COMMAND,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        return help();
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        return help();
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let names = COMMANDS.iter().map(|command| command.name);
        let message = suggest::unknown("command", name, names.chain(["help"]));
        eprintln!("{message}\n`cargo xtask help` lists the commands");
        return ExitCode::from(USAGE);
    };
    if rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        print(command);
        return ExitCode::SUCCESS;
    }
    (command.run)(rest)
}

fn help() -> ExitCode {
    println!("Usage: cargo xtask <command> [options]\n");
    for command in COMMANDS {
        print(command);
        println!();
    }
    println!("help\n    This text.");
    ExitCode::SUCCESS
}

fn print(command: &Command) {
    println!("{}\n    {}\n", command.name, command.about);
    for line in command.help.lines() {
        println!("{}", format!("    {line}").trim_end());
    }
}
