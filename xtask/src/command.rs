//! The type of a command.

use std::process::ExitCode;

/// Exit code for wrong arguments, as opposed to a command that failed.
pub(crate) const USAGE: u8 = 2;

/// A command: what `cargo xtask <name>` runs.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// One line for the list of commands.
    pub(crate) about: &'static str,
    /// The text of `cargo xtask <name> --help`, without the name and the `about`.
    pub(crate) help: &'static str,
    pub(crate) run: fn(&[String]) -> ExitCode,
}
