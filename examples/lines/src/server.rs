//! A demo server with faults.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// The fault of the next commands, except `PING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Commands are answered.
    None,
    /// The next command gets `BUSY 500`.
    BusyOnce,
    /// The server reads commands and does not answer.
    Silent,
    /// The server reads a command and closes the connection.
    HangsUp,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    fault: Mutex<Fault>,
    commands: AtomicU32,
}

// === impl Server ===

impl Server {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// The listener cannot be bound.
    pub async fn start(name: &'static str) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), name).await
    }

    /// Starts a server at an address.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_at(address: SocketAddr, name: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { name, fault: Mutex::new(Fault::None), commands: AtomicU32::new(0) });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(Arc::clone(&serving).serve(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, shared, task })
    }

    /// Returns the address of the listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the fault.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Returns the number of commands read, except `PING`.
    #[must_use]
    pub fn commands(&self) -> u32 {
        self.shared.commands.load(Relaxed)
    }

    /// Closes the listener and all connections. New connections are refused.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

// === impl Shared ===

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let reply = match line.trim_end() {
                "PING" => "OK\n".to_owned(),
                command => match self.fault() {
                    Fault::BusyOnce => "BUSY 500\n".to_owned(),
                    Fault::Silent => std::future::pending().await,
                    Fault::HangsUp => return Ok(()),
                    Fault::None if command.starts_with("GET ") => format!("OK 42 of the {}\n", self.name),
                    Fault::None if command.starts_with("SET ") => "OK\n".to_owned(),
                    Fault::None => "WRONG what?\n".to_owned(),
                },
            };
            stream.write_all(reply.as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }

    /// Counts a command, and returns its fault.
    fn fault(&self) -> Fault {
        self.commands.fetch_add(1, Relaxed);
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let now = *fault;
        if now == Fault::BusyOnce {
            *fault = Fault::None;
        }
        now
    }
}
