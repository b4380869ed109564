//! An axum `Router` over hyper-util, under a drain.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    serve::{Listener, ListenerExt},
};
use futures_util::FutureExt;
use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinError, JoinSet},
    time::timeout,
};

use crate::{
    connection::Shared,
    drain::Drain,
    phase::Phase,
    report::{Report, Served},
    tally::{Activity, Tally},
};

/// Serves the application until the drain is over, runs the shutdown hooks, and logs the one line of counts.
///
/// HTTP/1.1 and HTTP/2 with prior knowledge, upgrades (WebSockets), `ConnectInfo<SocketAddr>`. Layers at the entrance
/// go onto the router as always. For several listeners, or one that is not TCP, see [`Server`].
///
/// When to use it instead of `axum::serve`: whenever the process must end in bounded time. `axum::serve` with graceful
/// shutdown waits for as long as any client keeps half a request head open.
pub async fn serve(listener: TcpListener, app: Router, drain: &Drain) -> Report {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "no TCP_NODELAY");
        }
    });
    let served = Server::new(listener, app).run(drain).await;
    drain.finish(served).await
}

/// One listener of a process, under a drain that it may share with others.
///
/// ```no_run
/// use axum::Router;
/// use mainstay_drain::{Drain, Report, Server};
/// use tokio::net::TcpListener;
///
/// # async fn example(app: Router, admin: Router) -> std::io::Result<Report> {
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
    settings: ServerSettings,
}

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct ServerSettings {
    /// How long an HTTP/1 connection may be without a complete request head: after it was opened, and after each
    /// answer. Default 75 s (nginx's `keepalive_timeout`): above the 60 s for which load balancers keep idle
    /// connections, so that they close first and never send into a connection that is being closed.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub head_timeout: Duration,
}

/// Connections that the system has accepted for us, taken over when accepting stops.
const BACKLOG: usize = 4_096;

/// How long tasks have to notice that they are cut off. One that does not blocks its thread, and is not waited for.
const NOTICE: Duration = Duration::from_millis(100);

// === impl Server ===

impl<L> Server<L>
where
    L: Listener,
    L::Addr: Clone + Send + Sync + 'static,
{
    /// A server with the default settings. Handlers find the peer in `ConnectInfo<L::Addr>`.
    pub fn new(listener: L, app: Router) -> Self {
        Self { listener, app, settings: ServerSettings::default() }
    }

    /// A server with these settings.
    ///
    /// # Errors
    /// A wrong setting.
    pub fn with_settings(listener: L, app: Router, settings: ServerSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self { listener, app, settings })
    }

    /// Serves until the drain has closed the last connection or cut it off. The caller sums up and calls
    /// [`Drain::finish`].
    pub async fn run(self, drain: &Drain) -> Served {
        let Self { mut listener, app, settings } = self;
        let shared = Arc::new(Shared::new(app, drain, settings.head_timeout));
        let mut connections = Connections::new(shared);
        let mut closing = pin!(drain.reached(Phase::Closing));
        loop {
            tokio::select! {
                biased;
                () = closing.as_mut() => break,
                Some(ended) = connections.tasks.join_next() => connections.note(ended),
                (io, peer) = listener.accept() => connections.open(io, peer),
            }
        }
        for _ in 0..BACKLOG {
            let Some((io, peer)) = listener.accept().now_or_never() else { break };
            connections.open(io, peer);
        }
        drop(listener);
        tracing::debug!(connections = connections.tasks.len(), "accepting no more");
        tokio::select! {
            biased;
            () = connections.ended() => {}
            () = drain.reached(Phase::Finishing) => {}
        }
        connections.close().await
    }
}

// === impl ServerSettings ===

impl ServerSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// A timeout outside 1 ms to a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("head_timeout", self.head_timeout, SHORTEST..=LONGEST)
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { head_timeout: Duration::from_secs(75) }
    }
}

/// The open connections.
struct Connections {
    shared: Arc<Shared>,
    tally: Arc<Tally>,
    /// Each gives the number of requests that were cut off.
    tasks: JoinSet<u64>,
    /// Has a receiver for each open connection, upgraded ones included.
    open: watch::Sender<()>,
    aborted: u64,
}

// === impl Connections ===

impl Connections {
    fn new(shared: Arc<Shared>) -> Self {
        let (tally, open) = (Arc::new(Tally::new()), watch::Sender::new(()));
        Self { shared, tally, tasks: JoinSet::new(), open, aborted: 0 }
    }

    fn open<I, A>(&mut self, io: I, peer: A)
    where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let activity = Arc::new(Activity::new(Arc::clone(&self.tally)));
        self.tasks.spawn(Arc::clone(&self.shared).drive(io, peer, activity, self.open.subscribe()));
    }

    fn note(&mut self, ended: Result<u64, JoinError>) {
        match ended {
            Ok(aborted) => self.aborted += aborted,
            // The panic has been reported by its hook; here it cost one connection.
            Err(error) => tracing::error!(%error, "a handler panicked: connection closed"),
        }
    }

    async fn ended(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.note(ended);
        }
        self.open.closed().await;
    }

    /// Lets go of what is left, and counts it.
    async fn close(mut self) -> Served {
        let _ = timeout(NOTICE, async {
            while let Some(ended) = self.tasks.join_next().await {
                self.note(ended);
            }
        })
        .await;
        // A task that blocks its thread, and connections that were upgraded and live elsewhere.
        let left = self.open.receiver_count() as u64;
        let aborted = self.aborted + left;
        self.tasks.abort_all();
        if aborted > 0 {
            tracing::warn!(aborted, "requests cut off");
        }
        self.tally.served(aborted)
    }
}
