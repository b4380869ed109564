//! Runs the programs of the steps.

use std::io;
use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints `command` and runs it on this terminal; returns whether it succeeded.
pub(crate) fn run(command: &mut Command) -> io::Result<bool> {
    println!("$ {}", shown(command));
    Ok(command.status()?.success())
}

/// Returns whether `command` starts and succeeds; its output is discarded.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Formats the command as typed in a shell.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Command, shown, works};

    #[test]
    fn command_is_shown_as_typed() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        assert_eq!(shown(command.args(["fmt", "--all"])), "cargo fmt --all");
    }

    #[test]
    fn unknown_program_does_not_work() {
        assert!(!works(&mut Command::new("no-such-program")));
    }
}
