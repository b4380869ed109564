//! `cargo xtask profile ROW`: a flame graph of one row of the bench.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command as Process, ExitCode};

use crate::bench::{PACKAGE, target};
use crate::cargo::{cargo, root};
use crate::command::{Command, USAGE};
use crate::process::{run, works};

pub(crate) const COMMAND: Command = Command {
    name: "profile",
    about: "Draws a flame graph of one row of the bench: benches/results/profile.svg.",
    help: "\
cargo xtask profile ROW; `cargo xtask bench --list` lists the rows, and a part of a name is enough. Needs perf and the
permission to use it (/proc/sys/kernel/perf_event_paranoid at most 2). Otherwise: instructions by function, by valgrind.",
    run: command,
};

const SECONDS: &str = "5";
const RESULTS: &str = "benches/results";

fn command(args: &[String]) -> ExitCode {
    let [row] = args else {
        eprintln!("cargo xtask profile ROW; `cargo xtask bench --list` lists the rows");
        return ExitCode::from(USAGE);
    };
    match profile(row) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("profiling failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn profile(row: &str) -> io::Result<bool> {
    let (results, target) = (root().join(RESULTS), target());
    fs::create_dir_all(&results)?;
    if !run(&mut cargo(["build", "--release", "--quiet", "--manifest-path", PACKAGE, "--target-dir", &target]))? {
        return Ok(false);
    }
    let binary = Path::new(&target).join("release/mainstay-bench-peers");
    let spin = |seconds: &str| ["--row", row, "--spin", seconds].map(str::to_owned);
    // Fails here if the row does not exist; a profiler would hide the message.
    if !run(Process::new(&binary).args(spin("0")))? {
        return Ok(false);
    }
    let data = results.join("profile.data");
    let mut perf = Process::new("perf");
    perf.args(["record", "--call-graph", "dwarf,16384", "--freq", "499", "--output"]).arg(&data).arg(&binary);
    if !works(Process::new("perf").arg("--version")) {
        println!("perf is not installed (Debian: apt install linux-perf): counting instructions with valgrind");
        return callgrind(&results, &binary, &spin("1"));
    }
    if !run(perf.args(spin(SECONDS)))? {
        let why = "perf is not permitted (sysctl kernel.perf_event_paranoid=2 permits it)";
        println!("{why}: counting instructions with valgrind");
        return callgrind(&results, &binary, &spin("1"));
    }
    let script = results.join("profile.txt");
    let mut print = Process::new("perf");
    print.args(["script", "--no-inline", "--input"]).arg(&data).stdout(File::create(&script)?);
    Ok(run(&mut print)? && run(Process::new(&binary).arg("--flame").arg(&script).arg(row))?)
}

/// Prints a table of instructions by function.
fn callgrind(results: &Path, binary: &Path, spin: &[String]) -> io::Result<bool> {
    if !works(Process::new("valgrind").arg("--version")) {
        return Err(io::Error::other("valgrind is not installed either (Debian: apt install valgrind)"));
    }
    let data = results.join("profile.callgrind");
    let mut valgrind = Process::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", data.display()));
    if !run(valgrind.arg(binary).args(spin))? {
        return Ok(false);
    }
    run(Process::new("callgrind_annotate").arg("--threshold=90").arg(&data))
}
