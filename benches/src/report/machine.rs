//! The machine and date of a run.

use std::{fs, process::Command};

pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
    /// The load average of the last minute of the run. Load above the threads of the bench is that of other programs.
    pub(crate) load: String,
}

// === impl Machine ===

impl Machine {
    pub(crate) fn here() -> Self {
        let unknown = || "unknown".to_owned();
        let first_word = |text: String| text.split_whitespace().next().map(str::to_owned);
        let rustc = Command::new("rustc").arg("--version").output().ok();
        let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok());
        Self {
            cpu: read("/proc/cpuinfo").as_deref().and_then(model).unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").map_or_else(unknown, |text| text.trim().to_owned()),
            rustc: rustc.map_or_else(unknown, |text| text.trim().to_owned()),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            load: read("/proc/loadavg").and_then(first_word).unwrap_or_else(unknown),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let Self { cpu, cores, kernel, rustc, date, load } = self;
        format!("{cpu}, {cores} cores, kernel {kernel}, {rustc}, {date}, load {load}")
    }
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(file).ok()
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
