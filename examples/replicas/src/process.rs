//! A gateway or a demo backend, killed when it is dropped.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::BoxError;

/// Far beyond what a start takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    /// Held, because to drop it is to kill it.
    child: Child,
    address: SocketAddr,
}

// === impl Process ===

impl Process {
    /// Starts it with nothing in its environment but these variables, and waits until it says where it listens.
    pub(crate) async fn start(program: &Path, args: &[&str], variables: &[(&str, &str)]) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            timeout(PATIENCE, BufReader::new(output).read_line(&mut line)).await??;
        }
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok());
        let address = address.ok_or_else(|| format!("{args:?} did not say where it listens, but {line:?}"))?;
        Ok(Self { child, address })
    }

    /// Where it is, for people.
    pub(crate) fn introduction(&self) -> String {
        let id = self.child.id().map_or_else(|| "gone".to_owned(), |id| id.to_string());
        format!("{}  process {id}", self.url())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
