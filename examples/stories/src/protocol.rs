//! A protocol of one's own: typed errors, over three endpoints of different types: a server over TCP, another one over a
//! Unix socket, and a map in memory.

use std::{
    collections::HashMap,
    error::Error,
    future::ready,
    io::{self, ErrorKind},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use mainstay::{
    FailureKind, InvalidSetting, Outcome, Refusal, Rejected, RequestCopy, classify_fn,
    failover::{
        Endpoint,
        stack::{Standard, StandardHandles, StandardSettings},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
};
use tower::{service_fn, util::BoxCloneSyncService};

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Reads a key.
    Get(String),
    /// Sets a key, which must not happen twice.
    Set(String, u64),
}

/// Why a command failed.
#[derive(Debug)]
pub enum StoreError {
    /// A layer refused the command, or it took too long.
    Refused(Rejected),
    /// The connection failed.
    Io(io::Error),
    /// The store has no such key.
    NotFound,
}

impl From<Rejected> for StoreError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Refusal for StoreError {
    fn rejected(&self) -> Option<&Rejected> {
        if let Self::Refused(rejected) = self { Some(rejected) } else { None }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        if let Self::Io(error) = self { Some(error) } else { None }
    }
}

/// A client of the stores. Boxed, so that its type can be named.
pub type Store = BoxCloneSyncService<Command, u64, StoreError>;

/// What a result means, for all layers of the stack.
fn outcome(result: Result<&u64, &StoreError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(StoreError::NotFound) => Outcome::ignored(),
        Err(StoreError::Refused(rejected)) => rejected.outcome(),
        Err(StoreError::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            Outcome::failure(FailureKind::Connect)
        }
        Err(StoreError::Io(_)) => Outcome::failure(FailureKind::Network),
    }
}

/// The copy for another attempt: a `Set` is sent again only if it was not sent.
fn copy(command: &Command) -> Option<RequestCopy<Command>> {
    Some(match command {
        Command::Get(_) => RequestCopy::new(command.clone()),
        Command::Set(..) => RequestCopy::only_if_unsent(command.clone()),
    })
}

/// Creates a client of two servers, and of a snapshot in memory that answers reads while both are down.
///
/// # Errors
/// A setting is out of its range.
pub fn client(
    primary: SocketAddr,
    backup: PathBuf,
    snapshot: HashMap<String, u64>,
) -> Result<(Store, StandardHandles), InvalidSetting> {
    let primary = service_fn(move |command| async move { ask(TcpStream::connect(primary).await?, command).await });
    let backup = service_fn(move |command| {
        let backup = backup.clone();
        async move { ask(UnixStream::connect(backup).await?, command).await }
    });
    let snapshot = Arc::new(snapshot);
    let snapshot = service_fn(move |command| ready(read(&snapshot, &command)));
    let endpoints = [
        Endpoint::new("primary", BoxCloneSyncService::new(primary)),
        Endpoint::new("backup", BoxCloneSyncService::new(backup)),
        Endpoint::new("snapshot", BoxCloneSyncService::new(snapshot)),
    ];
    let standard = Standard::new("store", endpoints, StandardSettings::default())?;
    let handles = standard.handles().clone();
    let stack = standard.with_policy(classify_fn(outcome).replay(copy)).with_error::<StoreError>().build();
    Ok((BoxCloneSyncService::new(stack), handles))
}

/// Sends a command over a connection, and reads the reply: a number, or `NONE`.
async fn ask(connection: impl AsyncRead + AsyncWrite + Unpin, command: Command) -> Result<u64, StoreError> {
    let mut connection = BufReader::new(connection);
    let line = match command {
        Command::Get(key) => format!("GET {key}\n"),
        Command::Set(key, value) => format!("SET {key} {value}\n"),
    };
    connection.write_all(line.as_bytes()).await?;
    let mut reply = String::new();
    connection.read_line(&mut reply).await?;
    match reply.trim() {
        "NONE" => Err(StoreError::NotFound),
        number => number.parse().map_err(|_| StoreError::Io(ErrorKind::InvalidData.into())),
    }
}

fn read(snapshot: &HashMap<String, u64>, command: &Command) -> Result<u64, StoreError> {
    match command {
        Command::Get(key) => snapshot.get(key).copied().ok_or(StoreError::NotFound),
        Command::Set(..) => Err(StoreError::Io(ErrorKind::ReadOnlyFilesystem.into())),
    }
}
