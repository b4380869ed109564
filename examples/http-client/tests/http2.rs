//! Faults of HTTP/2: refused streams, GOAWAY, and a broken connection with many calls. The standard stack hides them from
//! callers.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, server::SendResponse};
use http::Response;
use http_client::{
    stack::{Client, Wire},
    with_hyper, with_reqwest,
};
use mainstay::failover::stack::StandardHandles;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};
use tower::ServiceExt;

/// Longer than any step of these tests takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The number of concurrent callers, and of the calls of each.
const CALLERS: usize = 8;
const CALLS: usize = 40;

/// A server of HTTP/2 only.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Faults {
    /// Every n-th stream is refused. 0: none is.
    refuse_every: u32,
    /// A connection sends GOAWAY after this number of streams. 0: never.
    go_away_after: u32,
    /// The number of streams that arrived.
    streams: AtomicU32,
    refused: AtomicU32,
    gone: AtomicU32,
}

// === impl Server ===

impl Server {
    async fn start(name: &'static str, faults: &Arc<Faults>) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), name, faults).await
    }

    async fn start_at(address: SocketAddr, name: &'static str, faults: &Arc<Faults>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::clone(faults);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, name, Arc::clone(&faults)));
            }
        });
        Self { address, task }
    }

    /// Breaks all connections, with all calls on them.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn serve(stream: TcpStream, name: &'static str, faults: Arc<Faults>) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let mut answers = JoinSet::new();
    let mut here = 0;
    while let Some(stream) = connection.accept().await {
        let (request, mut respond) = stream?;
        if request.uri().path() == "/orders" {
            here += 1;
            let number = faults.streams.fetch_add(1, Relaxed) + 1;
            if number.checked_rem(faults.refuse_every) == Some(0) {
                faults.refused.fetch_add(1, Relaxed);
                respond.send_reset(Reason::REFUSED_STREAM);
                continue;
            }
            if here == faults.go_away_after {
                faults.gone.fetch_add(1, Relaxed);
                connection.graceful_shutdown();
            }
        }
        answers.spawn(answer(name, respond));
    }
    Ok(())
}

/// Answers after a moment, so that several calls are in flight at once.
async fn answer(name: &'static str, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    sleep(Duration::from_millis(2)).await;
    respond.send_response(Response::new(()), false)?.send_data(format!("orders of the {name}").into(), true)
}

fn clients(primary: &Server, backup: &Server) -> [(Client, StandardHandles); 2] {
    [
        with_reqwest::client(primary.address, backup.address, Wire::Http2).unwrap(),
        with_hyper::client(primary.address, backup.address, Wire::Http2).unwrap(),
    ]
}

/// Sends calls from all callers at once. Asserts that each is answered by one of the servers.
async fn load(client: &Client, what: &str, continues: impl Fn(usize) -> bool + Clone + Send + 'static) {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, continues) = (client.clone(), continues.clone());
        callers.spawn(async move {
            let mut calls = 0;
            while continues(calls) {
                calls += 1;
                let (status, text) = client.clone().oneshot("/orders".to_owned()).await?;
                assert!(status == 200 && text.starts_with("orders of the "), "{status} {text}");
            }
            Ok::<_, mainstay::BoxError>(())
        });
    }
    for done in callers.join_all().await {
        done.unwrap_or_else(|error| unreachable!("{what}: {error}"));
    }
}

#[tokio::test]
async fn refused_streams_are_retried() {
    let faults = Arc::new(Faults { refuse_every: 20, ..Faults::default() });
    let (primary, backup) = (Server::start("primary", &faults).await, Server::start("backup", &Arc::default()).await);
    for (client, handles) in &clients(&primary, &backup) {
        let before = faults.refused.load(Relaxed);
        load(client, handles.failover.name(), |calls| calls < CALLS).await;
        assert!(faults.refused.load(Relaxed) > before);
        let snapshot = handles.failover.snapshot();
        assert_eq!(snapshot.active.as_deref(), Some("primary"), "one in twenty is not an outage");
    }
}

#[tokio::test]
async fn goaway_fails_no_calls() {
    let faults = Arc::new(Faults { go_away_after: 25, ..Faults::default() });
    let (primary, backup) = (Server::start("primary", &faults).await, Server::start("backup", &Arc::default()).await);
    for (client, handles) in &clients(&primary, &backup) {
        let before = faults.gone.load(Relaxed);
        load(client, handles.failover.name(), |calls| calls < CALLS).await;
        assert!(faults.gone.load(Relaxed) - before > 3, "{}", handles.failover.name());
    }
}

/// All callers share one connection, which breaks.
#[tokio::test]
async fn restart_under_load_causes_no_errors() {
    let faults = Arc::<Faults>::default();
    let mut primary = Server::start("primary", &faults).await;
    let backup = Server::start("backup", &Arc::default()).await;
    let address = primary.address;
    for (client, handles) in clients(&primary, &backup) {
        let name = handles.failover.name().clone();
        let on = Arc::new(AtomicBool::new(true));
        let going = Arc::clone(&on);
        let callers = tokio::spawn(async move { load(&client, &name, move |_| going.load(Relaxed)).await });
        let served = faults.streams.load(Relaxed);
        until("calls are in flight", async || faults.streams.load(Relaxed) > served + 50).await;
        primary.kill().await;
        let active = || handles.failover.snapshot().active;
        until("the primary is left", async || active().as_deref() == Some("backup")).await;
        primary = Server::start_at(address, "primary", &faults).await;
        until("traffic is back", async || active().as_deref() == Some("primary")).await;
        let served = faults.streams.load(Relaxed);
        until("the primary serves", async || faults.streams.load(Relaxed) > served + 50).await;
        on.store(false, Relaxed);
        callers.await.unwrap();
    }
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < end, "waited {TEST_TIMEOUT:?} until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
