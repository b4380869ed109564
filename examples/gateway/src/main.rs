//! An HTTP gateway that keeps answering while its primary backend fails and recovers.
//!
//! Start reading at `stack.rs`, the resilience stack. `app.rs` starts the program and routes the requests to the stack.
//! The README describes how to copy the program.

use std::{env, fmt::Display, process::ExitCode};

use args::Command;
use mainstay_core::InvalidSetting;
use mainstay_drain::Drain;
use settings::Settings;

mod app;
mod args;
mod backend;
mod broken_answers;
mod client;
mod demo;
mod forward;
mod handles;
mod introduction;
mod limits;
mod logs;
mod metrics;
mod operations;
mod own_limits;
mod problem;
mod progress;
mod responses;
mod settings;
mod stack;
mod target;
mod upload;

/// The exit code for wrong arguments or settings, as most tools have it. Nothing was started.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse(env::args_os().skip(1)) {
        Ok(Command::Serve { config }) => {
            // First, so that a signal during the start is not lost.
            let drain = match Drain::on_signals() {
                Ok(drain) => drain,
                Err(error) => return failed(&error),
            };
            match Settings::read(config, env::vars_os()) {
                Ok((settings, warnings)) => {
                    logs::install(&settings.log);
                    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                    serve(settings, drain).await
                }
                Err(errors) => refuse(errors),
            }
        }
        Ok(Command::DemoBackend { name, listen, prefix }) => match demo::run(name, listen, &prefix).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        },
        Ok(Command::Help) => print(&args::help()),
        Ok(Command::Version) => print(concat!("gateway ", env!("CARGO_PKG_VERSION"))),
        Err(message) => refuse([message]),
    }
}

async fn serve(settings: Settings, drain: Drain) -> ExitCode {
    match app::serve(settings, drain).await {
        // Exits with 0 if no request was cut off. Returning from `main` instead would wait for the runtime's blocking
        // threads, and so for a DNS lookup that does not end.
        Ok(report) => report.exit(),
        Err(error) if error.is::<InvalidSetting>() => refuse([error]),
        Err(error) => failed(&error),
    }
}

fn print(text: &str) -> ExitCode {
    logs::print_line(text);
    ExitCode::SUCCESS
}

fn refuse(errors: impl IntoIterator<Item = impl Display>) -> ExitCode {
    for error in errors {
        eprintln!("gateway: {error}");
    }
    ExitCode::from(USAGE)
}

fn failed(error: &dyn Display) -> ExitCode {
    eprintln!("gateway: {error}");
    ExitCode::FAILURE
}
