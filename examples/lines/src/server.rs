//! A server with faults.

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

/// What is wrong with the next commands, `PING` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The next one gets `BUSY 500`.
    BusyOnce,
    /// It reads them and says nothing.
    Silent,
    /// It reads them and hangs up.
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
    /// Starts one on a free port.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start(name: &'static str) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), name).await
    }

    /// Starts one there.
    ///
    /// # Errors
    /// It cannot listen.
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks it, or repairs it.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// How many commands it has read, `PING` apart.
    #[must_use]
    pub fn commands(&self) -> u32 {
        self.shared.commands.load(Relaxed)
    }

    /// Hangs up on everybody. Who connects now is refused.
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

    /// What is wrong with this command.
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
