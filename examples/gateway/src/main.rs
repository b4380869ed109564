//! An HTTP gateway that keeps answering while its primary backend dies and comes back.
//!
//! Start reading at `stack.rs`, which is the point of it; `app.rs` shows what stands around the stack, and the README
//! says how to copy it.

use std::{fmt::Display, process::ExitCode};

use args::Command;
use mainstay_core::InvalidSetting;
use settings::{Settings, Sources};

mod app;
mod args;
mod backend;
mod demo;
mod forward;
mod introduction;
mod logs;
mod metrics;
mod operations;
mod settings;
mod stack;
mod upload;

/// The arguments or the settings were wrong: nothing was started. The same as for most tools.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve { config }) => {
            let file = config.iter().fold(Sources::default(), |sources, path| sources.with_file(path));
            match Settings::read(file.with_environment(|name| std::env::var_os(name))) {
                Ok(settings) => serve(settings).await,
                Err(wrong) => refuse(wrong),
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

async fn serve(settings: Settings) -> ExitCode {
    logs::install(&settings);
    match app::serve(settings).await {
        // 0 if nothing was cut off. From here, because to return would wait for a name server that does not answer.
        Ok(report) => report.exit(),
        Err(error) if error.is::<InvalidSetting>() => refuse([error]),
        Err(error) => failed(&error),
    }
}

fn print(text: &str) -> ExitCode {
    logs::say(text);
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
