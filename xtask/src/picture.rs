//! `cargo xtask picture`: draws `docs/failover.svg`, the picture in the README, from a real run of the gateway.

mod client;
mod draw;
mod gateway;
mod load;
mod plot;
mod recording;
mod svg;
mod watch;

use std::fs;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crate::cargo::root;
use crate::clock::{now, wait_until};
use crate::command::{Command, USAGE};
use crate::suggest;

use client::Client;
use gateway::Gateway;
use recording::Recording;

pub(crate) const COMMAND: Command = Command {
    name: "picture",
    about: "Runs the gateway through a failover, and draws docs/failover.svg from the recording.",
    help: "\
Takes half a minute and uses free loopback ports. The gateway and its two demo backends run under a steady
load, the primary hangs for some seconds, and every request is recorded. All processes are stopped at the end.",
    run: command,
};

/// The primary hangs, which is the worst fault for callers: no request fails, all of them wait.
const FAULT: &str = r#"{"fault":"hang"}"#;
const RECOVER: &str = r#"{"fault":"recover"}"#;
const FAULT_FROM: Duration = Duration::from_secs(4);
/// After the end of the hold, so that the picture shows both the hold and the gate keeping traffic away.
const FAULT_UNTIL: Duration = Duration::from_secs(14);
const LENGTH: Duration = Duration::from_secs(24);
const PICTURE: &str = "docs/failover.svg";

fn command(args: &[String]) -> ExitCode {
    if let Some(arg) = args.first() {
        eprintln!("{}", suggest::unknown("option", arg, ["--help"]));
        return ExitCode::from(USAGE);
    }
    match record().and_then(|recording| draw(&recording)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no picture was drawn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(recording: &Recording) -> io::Result<()> {
    let path = root().join(PICTURE);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, draw::svg(recording).map_err(io::Error::other)?)?;
    let failed = recording.requests.iter().filter(|request| request.failed()).count();
    println!("{} requests, {failed} failed: drawn in {PICTURE}", recording.requests.len());
    Ok(())
}

/// Records one run. Load, status reader and fault switch run concurrently, each on its own connections.
fn record() -> io::Result<Recording> {
    let gateway = Gateway::start()?;
    println!("the gateway runs on {}, for {} s", gateway.address, LENGTH.as_secs());
    let begun = now();
    thread::scope(|threads| {
        let load = load::start(threads, gateway.address, begun, LENGTH);
        let watch = threads.spawn(|| watch::watch(gateway.address, begun, LENGTH));
        let fault = break_and_repair(&gateway, begun);
        let mut requests = Vec::new();
        for client in load {
            requests.extend(client.join().map_err(|_| io::Error::other("a client panicked"))?);
        }
        requests.sort_by(|a, b| a.at.total_cmp(&b.at));
        let samples = watch.join().map_err(|_| io::Error::other("the watch panicked"))??;
        Ok(Recording { length: LENGTH.as_secs_f64(), rate: load::RATE, fault: fault?, requests, samples })
    })
}

/// Sets the fault and clears it. Returns when it was set and cleared, in seconds since `begun`.
fn break_and_repair(gateway: &Gateway, begun: Instant) -> io::Result<(f64, f64)> {
    let mut switch = Client::new(gateway.primary);
    let mut set = |at: Duration, fault: &str| {
        wait_until(begun + at);
        println!("{:5.1} s  POST /demo/fault {fault}", at.as_secs_f64());
        let answer = switch.send("POST", "/demo/fault", fault)?;
        let done = begun.elapsed().as_secs_f64();
        if answer.status == 200 { Ok(done) } else { Err(io::Error::other(answer.body)) }
    };
    Ok((set(FAULT_FROM, FAULT)?, set(FAULT_UNTIL, RECOVER)?))
}
