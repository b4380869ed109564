//! The result of a check of the sources, and the command that reports it.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::command::USAGE;
use crate::suggest;

/// The alarms of a check; `what` names them in the plural.
pub(crate) struct Alarms {
    pub(crate) what: &'static str,
    pub(crate) found: Vec<String>,
}

/// Runs `check` on the folder in `args` (`""` if there is none), prints its alarms, and fails if there are any.
pub(crate) fn command(args: &[String], check: fn(&str) -> io::Result<Alarms>) -> ExitCode {
    let outcome = match args {
        [] => check(""),
        [folder] if !folder.starts_with('-') => check(folder),
        [.., other] => {
            eprintln!("{}", suggest::unknown("option", other, ["--help"]));
            return ExitCode::from(USAGE);
        }
    };
    match outcome {
        Ok(alarms) => {
            println!("{alarms}");
            if alarms.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

// === impl Alarms ===

impl Alarms {
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// One alarm after the other, then their number.
impl fmt::Display for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for alarm in &self.found {
            writeln!(f, "{alarm}")?;
        }
        write!(f, "{}: {}", self.what, self.found.len())
    }
}
