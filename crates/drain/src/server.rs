//! A server that drains: an axum `Router` over hyper-util.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header::RETRY_AFTER},
    serve::{Listener, ListenerExt},
};
use mainstay_core::{InvalidSetting, LogLimit, escaped};
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::{Instant, timeout},
};

use crate::{
    connection::ConnectionDriver,
    connection_limit::{ConnectionLimit, Place},
    connection_state::ConnectionState,
    drain::Drain,
    phase::Phase,
    report::{DrainReport, RequestCounts},
    request_counters::RequestCounters,
    server_settings::ServerSettings,
};

/// Serves the application until the drain is over, runs the shutdown hooks, and logs one line of counts.
///
/// Supports HTTP/1.1, HTTP/2 with prior knowledge, upgrades (WebSockets) and `ConnectInfo<SocketAddr>`. Layers go onto
/// the router as usual. For several listeners, or one that is not TCP, see [`Server`].
///
/// An upgraded connection belongs to its handler: the times of [`ServerSettings`] do not apply to it. The handler limits its
/// pauses, and ends it when the drain [closes](Phase::Closing). It counts as an open connection; one that is still open at
/// the drain timeout is counted as aborted.
///
/// Use it instead of `axum::serve` where the process must end in bounded time. `axum::serve` with graceful shutdown
/// waits for as long as any client keeps half a request head open.
pub async fn serve(listener: TcpListener, app: Router, drain: &Drain) -> DrainReport {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(error = %escaped(&error), "cannot set TCP_NODELAY");
        }
    });
    let requests = Server::new(listener, app).run(drain).await;
    drain.finish(requests).await
}

/// A server for one listener. Several servers can share a drain.
///
/// ```no_run
/// use axum::Router;
/// use mainstay_drain::{Drain, DrainReport, Server};
/// use tokio::net::TcpListener;
///
/// # async fn example(app: Router, admin: Router) -> std::io::Result<DrainReport> {
/// let drain = Drain::on_signals()?;
/// let app = Server::new(TcpListener::bind("0.0.0.0:8080").await?, app);
/// let admin = Server::new(TcpListener::bind("127.0.0.1:9090").await?, admin);
/// let (app, admin) = tokio::join!(app.run(&drain), admin.run(&drain));
/// Ok(drain.finish(app + admin).await)
/// # }
/// ```
#[derive(Debug)]
pub struct Server<L> {
    listener: L,
    app: Router,
    reserve: Router,
    settings: ServerSettings,
    connections: ConnectionLimit,
}

/// How many connections of the system's accept queue are taken over when accepting stops.
const BACKLOG: usize = 4_096;

/// How long they are taken over. Not for an instant only: a connection is seen when the runtime has looked at the socket, and
/// one that stays in the queue is reset when the listener closes.
const LAST_ACCEPTS: Duration = Duration::from_millis(10);

/// How long connection tasks have to end after an abort. A task that takes longer blocks its thread, and is abandoned.
const ABORT_GRACE: Duration = Duration::from_millis(100);

// === impl Server ===

impl<L> Server<L>
where
    L: Listener,
    L::Addr: Clone + Send + Sync + 'static,
{
    /// Creates a server with the default settings. Handlers find the peer's address in `ConnectInfo<L::Addr>`.
    pub fn new(listener: L, app: Router) -> Self {
        Self::build(listener, app, ServerSettings::default())
    }

    /// Creates a server with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(listener: L, app: Router, settings: ServerSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(listener, app, settings))
    }

    fn build(listener: L, app: Router, settings: ServerSettings) -> Self {
        let full = (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "too many connections\n");
        let reserve = Router::new().fallback(move || std::future::ready(full));
        let connections = ConnectionLimit::unchecked(settings.max_connections);
        Self { listener, app, reserve, settings, connections }
    }

    /// Sets the application for connections above `max_connections`. The default answers 503.
    ///
    /// A reserve of 64 connections is served by it, over HTTP/1 and with one response for each connection. Connections
    /// above the reserve are closed unserved. With health endpoints in the reserve, an orchestrator does not restart a
    /// process because its clients use up all connections.
    #[must_use]
    pub fn with_reserve(mut self, reserve: Router) -> Self {
        self.reserve = reserve;
        self
    }

    /// Replaces the limit of connections of the settings. Servers that share a limit share its connections.
    #[must_use]
    pub fn with_connections(mut self, limit: ConnectionLimit) -> Self {
        self.connections = limit;
        self
    }

    /// Returns the handle of the open connections.
    #[must_use]
    pub fn connections(&self) -> &ConnectionLimit {
        &self.connections
    }

    /// Serves until the drain has closed or aborted the last connection. The caller adds the counts of all servers and
    /// calls [`Drain::finish`].
    pub async fn run(self, drain: &Drain) -> RequestCounts {
        let Self { mut listener, app, reserve, settings, connections } = self;
        let driver = Arc::new(ConnectionDriver::new(app, drain, settings));
        let reserve = Arc::new(ConnectionDriver::new(reserve, drain, settings).once());
        let mut connections = Connections::new(driver, reserve, connections);
        let mut closing = pin!(drain.reached(Phase::Closing));
        loop {
            tokio::select! {
                biased;
                () = closing.as_mut() => break,
                Some(ended) = connections.tasks.join_next() => connections.record_end(ended),
                (io, peer) = listener.accept() => connections.open(io, peer),
            }
        }
        let _ = timeout(LAST_ACCEPTS, async {
            for _ in 0..BACKLOG {
                let (io, peer) = listener.accept().await;
                connections.open(io, peer);
            }
        })
        .await;
        drop(listener);
        tracing::debug!(connections = connections.tasks.len(), "listener closed");
        tokio::select! {
            biased;
            () = connections.all_ended() => {}
            () = drain.reached(Phase::Finishing) => {}
        }
        connections.abort().await
    }
}

/// The open connections.
struct Connections {
    driver: Arc<ConnectionDriver>,
    /// For connections above the limit.
    reserve: Arc<ConnectionDriver>,
    limit: ConnectionLimit,
    counters: Arc<RequestCounters>,
    /// A task returns the number of its requests that were aborted.
    tasks: JoinSet<u64>,
    aborted: u64,
    log_limit: LogLimit,
}

// === impl Connections ===

impl Connections {
    fn new(driver: Arc<ConnectionDriver>, reserve: Arc<ConnectionDriver>, limit: ConnectionLimit) -> Self {
        let (counters, log_limit) = (Arc::new(RequestCounters::new()), LogLimit::default());
        Self { driver, reserve, limit, counters, tasks: JoinSet::new(), aborted: 0, log_limit }
    }

    fn open<I, A>(&mut self, io: I, peer: A)
    where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let driver = match self.limit.admit() {
            Place::Regular => &self.driver,
            Place::Reserve => &self.reserve,
            Place::None => return,
        };
        let state = Arc::new(ConnectionState::new(Arc::clone(&self.counters)));
        self.tasks.spawn(Arc::clone(driver).drive(io, peer, state, self.limit.hold()));
    }

    fn record_end(&mut self, ended: Result<u64, JoinError>) {
        self.limit.on_close();
        match ended {
            Ok(aborted) => self.aborted += aborted,
            // The panic hook has reported the panic itself.
            Err(error) => {
                if let Some(left_out) = self.log_limit.fault(Instant::now()) {
                    tracing::error!(error = %escaped(&error), left_out, "handler panicked; its connection is closed");
                }
            }
        }
    }

    async fn all_ended(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.record_end(ended);
        }
        self.limit.all_closed().await;
    }

    /// Aborts the remaining connections, and counts their requests.
    async fn abort(mut self) -> RequestCounts {
        let _ = timeout(ABORT_GRACE, async {
            while let Some(ended) = self.tasks.join_next().await {
                self.record_end(ended);
            }
        })
        .await;
        // Open still: tasks that block their thread, and upgraded connections, which handlers own.
        let aborted = self.aborted + self.limit.open() as u64;
        self.tasks.abort_all();
        if aborted > 0 {
            tracing::warn!(aborted, "requests aborted");
        }
        self.counters.read(aborted)
    }
}
