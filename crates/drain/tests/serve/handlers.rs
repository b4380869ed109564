//! Handlers that block or upgrade their connection, layers around the router, servers that share a drain.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Response, StatusCode, header},
    routing::get,
};
use hyper_util::rt::TokioIo;
use mainstay_drain::{Cause, Drain, DrainSettings, Phase, Server, ServerSettings, serve};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};

use crate::running::{LONG, MS, read_until, send_get};

/// Upgrades like a WebSocket: the handler writes after the 101.
async fn upgrade(drain: Drain, mut request: axum::extract::Request) -> Response<Body> {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.unwrap());
        io.write_all(b"welcome").await.unwrap();
        drain.reached(Phase::Closing).await;
        if request.uri().path() == "/ends" {
            sleep(400 * MS).await;
            io.write_all(b"goodbye").await.unwrap();
        } else {
            std::future::pending::<()>().await;
        }
    });
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    answer.header(header::CONNECTION, "upgrade").header(header::UPGRADE, "chat").body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handler_that_blocks_its_thread_does_not_delay_the_exit() {
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let settings = DrainSettings { drain_delay: Duration::ZERO, drain_timeout: 50 * MS };
    let drain = Drain::with_settings(settings).unwrap();
    let arrived = Arc::new(Notify::new());
    let tell = Arc::clone(&arrived);
    let app = Router::new().fallback(move || async move {
        tell.notify_one();
        let _ = blocked.lock().unwrap().recv();
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = tokio::spawn({
        let drain = drain.clone();
        async move { serve(listener, app, &drain).await }
    });
    send_get(&mut stream, "/").await;
    arrived.notified().await;
    drain.begin(Cause::Interrupt);
    let report = timeout(LONG, server).await.unwrap().unwrap();
    assert_eq!(report.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
    drop(unblock);
}

#[tokio::test]
async fn upgraded_connections_end_by_themselves_or_are_aborted_at_the_timeout() {
    for (path, drain_timeout, counts) in [
        ("/ends", 600 * LONG, "accepted 1, completed 1, aborted 0, refused 0"),
        ("/stays", 50 * MS, "accepted 1, completed 1, aborted 1, refused 0"),
    ] {
        let drain = Drain::with_settings(DrainSettings { drain_delay: 600 * LONG, drain_timeout }).unwrap();
        let seen = drain.clone();
        let app = Router::new().fallback(move |request| upgrade(seen.clone(), request));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        // During the delay new connections are still served, and upgraded.
        drain.begin(Cause::Terminate);
        let (report, ()) = tokio::join!(serve(listener, app, &drain), async {
            let head = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = read_until(&mut stream, "welcome").await;
            assert!(answer.contains("connection: upgrade"), "{answer}");
            drain.skip_phase();
            if path == "/ends" {
                read_until(&mut stream, "goodbye").await;
            }
        });
        assert_eq!(report.to_string(), counts, "{path}");
    }
}

#[tokio::test]
async fn layer_around_the_router_sees_the_peer_address() {
    let drain = Drain::new();
    let app = Router::new().route("/", get(|| async { "hello" })).layer(axum::middleware::from_fn(
        |ConnectInfo(peer): ConnectInfo<SocketAddr>, request, next: axum::middleware::Next| async move {
            assert!(peer.ip().is_loopback());
            let mut answer = next.run(request).await;
            answer.headers_mut().insert("x-layer", header::HeaderValue::from_static("yes"));
            answer
        },
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (report, ()) = tokio::join!(serve(listener, app, &drain), async {
        send_get(&mut stream, "/").await;
        assert!(read_until(&mut stream, "hello").await.contains("x-layer: yes"));
        drain.begin(Cause::Interrupt);
    });
    assert!(report.is_clean());
}

#[tokio::test]
async fn servers_share_a_drain_and_their_counts_add_up() {
    let drain = Drain::new();
    let app = || Router::new().route("/", get(|| async { "hello" }));
    let (one, two) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let addrs = [one.local_addr().unwrap(), two.local_addr().unwrap()];
    let servers = async { tokio::join!(Server::new(one, app()).run(&drain), Server::new(two, app()).run(&drain)) };
    let ((one, two), ()) = tokio::join!(servers, async {
        for addr in addrs {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            send_get(&mut stream, "/").await;
            read_until(&mut stream, "hello").await;
        }
        drain.begin(Cause::Interrupt);
    });
    assert_eq!(drain.finish(one + two).await.requests.completed, 2);
}

#[test]
fn invalid_setting_is_an_error_with_field_value_and_range() {
    let valid = ServerSettings::default();
    let wrong = |settings: ServerSettings| settings.validate().unwrap_err().to_string();
    let error = wrong(ServerSettings { head_timeout: Duration::ZERO, ..valid });
    assert_eq!(error, "head_timeout = 0s: must be 1ms to 365d");
    let error = wrong(ServerSettings { max_connections: 0, ..valid });
    assert_eq!(error, "max_connections = 0: must be 1 to 1000000");
}
