//! A gateway or a demo backend, killed when it is dropped.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::error::BoxError;

/// Longer than any start takes.
const START_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    /// Dropping it kills the process.
    child: Child,
    address: SocketAddr,
}

// === impl Process ===

impl Process {
    /// Starts a process with these variables only in its environment, and waits for the line with its address.
    pub(crate) async fn start(program: &Path, args: &[&str], variables: &[(&str, &str)]) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            timeout(START_TIMEOUT, BufReader::new(output).read_line(&mut line)).await??;
        }
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok());
        let address = address.ok_or_else(|| format!("{args:?} did not print its address, but {line:?}"))?;
        Ok(Self { child, address })
    }

    /// Returns its address and its process id, for people.
    pub(crate) fn introduction(&self) -> String {
        let id = self.child.id().map_or_else(|| "gone".to_owned(), |id| id.to_string());
        format!("{}  process {id}", self.url())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
