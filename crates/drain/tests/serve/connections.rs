//! The limit of connections, and its reserve.

use axum::{Router, routing::get};
use mainstay_core::Level;
use mainstay_drain::{Cause, Drain, Server, ServerSettings};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::running::{LONG, closes, read_until, send_get};

/// A request that is served, so that its connection is open at the server.
async fn served(addr: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    send_get(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
    stream
}

#[tokio::test]
async fn connections_above_the_limit_are_served_by_the_reserve_once_and_then_closed_unserved() {
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(|| async { "hello" }));
    let settings = ServerSettings { max_connections: 4, ..ServerSettings::default() };
    let server = Server::with_settings(listener, app, settings).unwrap();
    let server = server.with_reserve(Router::new().route("/live", get(|| async { "alive" })));
    let limit = server.connections().clone();
    let mut status = limit.subscribe();
    let (_, ()) = tokio::join!(server.run(&drain), async {
        let mut regular = Vec::new();
        for _ in 0..4 {
            regular.push(served(addr).await);
        }
        assert_eq!((limit.snapshot().open, status.get().level), (4, Level::Healthy));

        let mut probe = TcpStream::connect(addr).await.unwrap();
        send_get(&mut probe, "/live").await;
        let answer = read_until(&mut probe, "alive").await;
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(closes(&mut probe).await);
        assert_eq!(status.changed().await.map(|status| status.level), Some(Level::Degraded));
        assert_eq!((limit.snapshot().served_by_reserve, limit.snapshot().refused), (1, 0));

        let mut silent = Vec::new();
        while limit.snapshot().refused == 0 {
            assert!(silent.len() < 200, "{:?}", limit.snapshot());
            silent.push(TcpStream::connect(addr).await.unwrap());
            tokio::task::yield_now().await;
        }
        drop((silent, regular));
        let recovered = timeout(LONG, status.changed()).await.unwrap();
        assert_eq!(recovered.map(|status| status.level), Some(Level::Healthy));
        served(addr).await;
        drain.begin(Cause::Interrupt);
    });
    assert_eq!(limit.snapshot().open, 0);
}

#[tokio::test]
async fn connection_above_the_limit_gets_503_by_default() {
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(|| async { "hello" }));
    let settings = ServerSettings { max_connections: 1, ..ServerSettings::default() };
    let server = Server::with_settings(listener, app, settings).unwrap();
    tokio::join!(server.run(&drain), async {
        let _regular = served(addr).await;
        let mut further = TcpStream::connect(addr).await.unwrap();
        send_get(&mut further, "/").await;
        let answer = read_until(&mut further, "too many connections\n").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
        drain.begin(Cause::Interrupt);
    });
}
