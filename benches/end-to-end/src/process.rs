//! A child process; dropping it kills it.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{BoxError, usage};

/// The longest time of a start.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    /// Dropping it kills the process.
    child: Child,
    pub(crate) id: u32,
    /// The address on which it listens.
    pub(crate) address: SocketAddr,
}

/// Prints the address of this process: the line that [`Process::start`] waits for.
pub(crate) fn introduce(name: &str, address: SocketAddr) -> io::Result<()> {
    writeln!(io::stdout(), "{name} listens on http://{address}")
}

/// Returns a command that runs `program` below a launcher, such as `taskset`, which is given with its arguments.
pub(crate) fn command(launcher: &[OsString], program: &Path) -> Command {
    let mut words = launcher.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap_or(program.as_os_str()));
    command.args(words).kill_on_drop(true).stdin(Stdio::null());
    command
}

// === impl Process ===

impl Process {
    /// Starts a program that prints its address.
    pub(crate) async fn start(mut command: Command) -> Result<Self, BoxError> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| named(&command, &error))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            timeout(START_TIMEOUT, BufReader::new(output).read_line(&mut line)).await??;
        }
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok());
        let address = address.ok_or_else(|| named(&command, &"did not print its address"))?;
        Self::new(child, address)
    }

    /// Starts a program that listens on `address`.
    pub(crate) async fn start_at(mut command: Command, address: SocketAddr) -> Result<Self, BoxError> {
        let mut child = command.stdout(Stdio::null()).spawn().map_err(|error| named(&command, &error))?;
        let listens = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                if child.try_wait()?.is_some() {
                    return Err(io::Error::other("it ended"));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        };
        timeout(START_TIMEOUT, listens).await?.map_err(|error| named(&command, &error))?;
        Self::new(child, address)
    }

    fn new(child: Child, address: SocketAddr) -> Result<Self, BoxError> {
        let id = child.id().ok_or("it ended at once")?;
        Ok(Self { child, id, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> Result<(), BoxError> {
        Command::new("kill").args(["-TERM", &self.id.to_string()]).status().await?;
        timeout(START_TIMEOUT, self.child.wait()).await??;
        Ok(())
    }

    /// Returns the resident memory in bytes.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        usage::memory(self.id)
    }
}

fn named(command: &Command, error: &dyn std::fmt::Display) -> BoxError {
    let program = command.as_std().get_program();
    let words: Vec<OsString> = command.as_std().get_args().map(OsStr::to_owned).collect();
    format!("{} {}: {error}", program.display(), words.join(OsStr::new(" ")).display()).into()
}
