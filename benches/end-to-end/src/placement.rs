//! The processors of the processes. The report contains them, because they matter on a small machine.

use std::{
    ffi::OsString,
    fmt,
    process::{Command, Stdio},
};

use crate::usage;

/// Lists of processors in the form of `taskset`. `None`: any processor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub(crate) proxy: Option<String>,
    /// For the load and the origins.
    pub(crate) rest: Option<String>,
}

// === impl Placement ===

impl Placement {
    /// Returns one processor for the proxy and the others for load and origins; no placement without `taskset`, or with one
    /// processor.
    pub(crate) fn separate() -> Self {
        let mut processors = usage::processors().unwrap_or_default();
        match processors.pop() {
            Some(last) if !processors.is_empty() && has_taskset() => {
                let rest: Vec<_> = processors.iter().map(usize::to_string).collect();
                Self { proxy: Some(last.to_string()), rest: Some(rest.join(",")) }
            }
            _ => Self::default(),
        }
    }
}

impl Placement {
    /// Returns the launcher of a proxy.
    pub(crate) fn of_proxy(&self) -> Vec<OsString> {
        taskset(self.proxy.as_deref())
    }

    /// Returns the launcher of the load and of the origins.
    pub(crate) fn of_rest(&self) -> Vec<OsString> {
        taskset(self.rest.as_deref())
    }
}

/// Returns the words before a program that runs on these processors. `taskset` executes it in the same process.
fn taskset(processors: Option<&str>) -> Vec<OsString> {
    processors.map_or_else(Vec::new, |list| ["taskset", "-c", list].map(OsString::from).to_vec())
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.proxy, &self.rest) {
            (Some(proxy), Some(rest)) => {
                write!(f, "each proxy on processor {proxy}, load and origins on {rest} (taskset)")
            }
            _ => write!(f, "proxies, load and origins on any processor"),
        }
    }
}

fn has_taskset() -> bool {
    let mut command = Command::new("taskset");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
