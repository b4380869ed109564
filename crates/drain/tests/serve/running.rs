//! A running server, and requests to it over a plain socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Response, StatusCode, header},
    routing::{get, post},
};
use mainstay_drain::{Drain, DrainReport, DrainSettings, Server, ServerSettings};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

pub(crate) const MS: Duration = Duration::from_millis(1);
/// Far longer than any step takes; a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) drain: Drain,
    /// Notified when a request to `/slow` has arrived.
    pub(crate) arrived: Arc<Notify>,
    /// Lets the handler of `/slow` answer.
    pub(crate) release: Arc<Notify>,
    pub(crate) server: JoinHandle<DrainReport>,
}

impl Running {
    pub(crate) async fn start(drain_timeout: Duration) -> Self {
        Self::with(DrainSettings { drain_delay: Duration::ZERO, drain_timeout }).await
    }

    pub(crate) async fn with(settings: DrainSettings) -> Self {
        Self::with_server(settings, ServerSettings::default()).await
    }

    /// Starts a server whose drain waits for its requests.
    pub(crate) async fn limited(settings: ServerSettings) -> Self {
        Self::with_server(DrainSettings { drain_delay: Duration::ZERO, drain_timeout: 600 * LONG }, settings).await
    }

    async fn with_server(settings: DrainSettings, limits: ServerSettings) -> Self {
        let drain = Drain::with_settings(settings).unwrap();
        let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&release));
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route(
                "/slow",
                get(move || async move {
                    tell.notify_one();
                    wait.notified().await;
                    "slow"
                }),
            )
            .route("/echo", post(|body: String| async { body }))
            .route("/refuse", post(|| async { (StatusCode::SERVICE_UNAVAILABLE, "refused") }))
            .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
            .route("/big", get(|| async { vec![b'x'; 32 * 1024 * 1024] }))
            .route("/empty", get(|| async {}))
            .route("/pieces", get(|| async { vec![b'x'; 128 * 1024] }))
            .route("/panic", get(|| async { panic!("on purpose") as &'static str }))
            .route(
                "/length",
                get(|| async {
                    let chunks = futures_util::stream::iter(["ab", "cd"].map(Ok::<_, std::io::Error>));
                    Response::builder().header(header::CONTENT_LENGTH, 4).body(Body::from_stream(chunks)).unwrap()
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tokio::spawn({
            let drain = drain.clone();
            let server = Server::with_settings(listener, app, limits).unwrap();
            async move { drain.finish(server.run(&drain).await).await }
        });
        Self { addr, drain, arrived, release, server }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    pub(crate) async fn end(self) -> DrainReport {
        timeout(LONG, self.server).await.expect("the server must end").unwrap()
    }
}

pub(crate) async fn send_get(stream: &mut (impl AsyncWrite + Unpin), path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads until the response ends with `end`.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = Vec::new();
    timeout(LONG, async {
        while !text.ends_with(end.as_bytes()) {
            assert_ne!(
                stream.read_buf(&mut text).await.unwrap(),
                0,
                "closed after {:?}",
                String::from_utf8_lossy(&text)
            );
        }
    })
    .await
    .expect("an answer");
    String::from_utf8(text).unwrap()
}

/// Returns whether the server closes the connection.
pub(crate) async fn closes(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(LONG, stream.read_to_end(&mut rest)).await.is_ok()
}
