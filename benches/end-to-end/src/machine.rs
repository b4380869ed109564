//! The machine of a measurement.

use std::{fmt, fs, path::Path, process::Command, thread};

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cpus: usize,
    kernel: String,
    rustc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nginx: Option<String>,
    /// The load average of the last minute before the run.
    load: String,
}

// === impl Machine ===

impl Machine {
    pub(crate) fn detect(nginx: Option<&Path>) -> Self {
        let cpu =
            first_of("/proc/cpuinfo", |line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name));
        Self {
            cpu,
            cpus: thread::available_parallelism().map_or(0, usize::from),
            kernel: first_of("/proc/sys/kernel/osrelease", |line| Some(line)),
            rustc: version(Path::new("rustc"), "--version"),
            nginx: nginx.map(|nginx| version(nginx, "-v").replace("nginx version: ", "")),
            load: first_of("/proc/loadavg", |line| line.split_whitespace().next()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cpus, kernel, rustc, nginx, load } = self;
        write!(f, "{cpu}, {cpus} CPUs, Linux {kernel}, {rustc}")?;
        if let Some(nginx) = nginx {
            write!(f, ", {nginx}")?;
        }
        write!(f, "; load before the run {load}")
    }
}

/// Returns the first result of `find` on the lines of a file.
fn first_of(file: &str, find: fn(&str) -> Option<&str>) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().find_map(find).map_or("unknown", str::trim).to_owned()
}

/// Returns the version that a program prints, on stderr in the case of nginx.
fn version(program: &Path, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else { return "unknown".to_owned() };
    let printed = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&printed).trim().to_owned()
}
