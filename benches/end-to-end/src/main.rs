//! Measures the gateway, a bare reverse proxy of the same libraries, and nginx, over real sockets and in separate processes.
//!
//! `cargo run --release -p mainstay-bench-gateway`; the README explains the measurement. Start reading at `run.rs`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

mod args;
mod bare;
mod callgrind;
mod cause;
mod client;
mod contestant;
mod gateway;
mod instructions;
mod load;
mod machine;
mod markdown;
mod memory;
mod nginx;
mod origin;
mod placement;
mod process;
mod report;
mod run;
mod scenario;
mod stage;
mod usage;

use args::{Command, Options};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The exit code for SIGINT, as in shells.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Command::parse(env::args().skip(1)) {
        Ok(Command::Run(options)) => tokio::select! {
            // Dropping the future stops all processes that it has started.
            ended = Box::pin(measure(options)) => ended,
            signal = stop_signal() => match signal {
                Ok(()) => return ExitCode::from(INTERRUPTED),
                Err(error) => Err(error.into()),
            },
        },
        Ok(Command::Origin) => origin::run().await.map_err(BoxError::from),
        Ok(Command::Bare { origin }) => bare::run(&origin).await,
        Ok(Command::Load(load)) => {
            Box::pin(load.run()).await.and_then(|sample| print(&serde_json::to_string(&sample)?))
        }
        Ok(Command::Help) => print(args::HELP),
        Err(wrong) => {
            eprintln!("{wrong}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mainstay-bench-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: Options) -> Result<(), BoxError> {
    if options.instructions {
        return print(&instructions::run(&options).await?);
    }
    let report = run::run(&options).await?;
    let markdown = markdown::text(&report)?;
    print(&markdown)?;
    if options.save {
        // `cargo run` sets the variable to the current path; the compiled-in path may be another checkout.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let folder = Path::new(&package).with_file_name("results");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("gateway.md"), markdown)?;
        fs::write(folder.join("gateway.json"), serde_json::to_string_pretty(&report)? + "\n")?;
        eprintln!("written to {}/gateway.md and gateway.json", folder.display());
    }
    Ok(())
}

fn print(text: &str) -> Result<(), BoxError> {
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
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
