//! Who runs where. On a small machine that is half of the result, so it is said beside it.

use std::{
    fmt,
    process::{Command, Stdio},
};

use crate::usage;

/// Processors, as `taskset` takes them. `None`: wherever the system likes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub(crate) proxy: Option<String>,
    /// The load and the origins.
    pub(crate) rest: Option<String>,
}

// === impl Placement ===

impl Placement {
    /// One processor for the proxy, the others for load and origins. Without `taskset`, or with one processor: none.
    pub(crate) fn apart() -> Self {
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

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.proxy, &self.rest) {
            (Some(proxy), Some(rest)) => {
                write!(f, "each proxy on processor {proxy}, load and origins on {rest} (taskset)")
            }
            _ => write!(f, "proxies, load and origins on whatever processor is free"),
        }
    }
}

fn has_taskset() -> bool {
    let mut command = Command::new("taskset");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
