//! Three replicas of the gateway in front of a primary that fails and recovers, and a timeline of their routes.
//!
//! The replicas and backends are real processes on free ports of the loopback interface. They are killed when their
//! handles are dropped: at the end of the plan, after an error, and on Ctrl-C.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

mod binary;
mod error;
mod event;
mod flapping;
mod load;
mod plan;
mod process;
mod replica;
mod run;
mod summary;
mod timeline;
mod watch;

use error::BoxError;

const HELP: &str = "\
Three replicas of the gateway in front of a primary that fails and recovers, and a timeline of their routes.

Usage: replicas [--quick]

  --quick   a few seconds instead of half a minute
";

/// The exit code that shells use for an end by SIGINT.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let plan = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => plan::STANDARD,
        ["--quick"] => plan::QUICK,
        ["--help" | "-h"] => return printed(io::stdout().write_all(HELP.as_bytes())),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    tokio::select! {
        ended = run::run(&plan) => match ended {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => failed(&error),
        },
        signalled = stop_signal() => match signalled {
            Ok(()) => ExitCode::from(INTERRUPTED),
            Err(error) => failed(&error.into()),
        },
    }
}

#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn printed(result: io::Result<()>) -> ExitCode {
    result.map_or_else(|error| failed(&error.into()), |()| ExitCode::SUCCESS)
}

fn failed(error: &BoxError) -> ExitCode {
    // With its causes, because "error sending request" alone does not show the reason.
    let mut line = format!("replicas: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{line}");
    ExitCode::FAILURE
}
