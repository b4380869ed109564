//! The server under a drain, over real loopback sockets. Durations are short and no test asserts a tight time.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, Response, StatusCode, Version, header},
    routing::{get, post},
};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_health::{Cause, Drain, DrainSettings, Health, Phase, Report, Server, ServerSettings, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

const MS: Duration = Duration::from_millis(1);
/// Far beyond what any step takes; a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    addr: SocketAddr,
    drain: Drain,
    /// A request to `/slow` has arrived, and may be answered.
    arrived: Arc<Notify>,
    release: Arc<Notify>,
    server: JoinHandle<Report>,
}

impl Running {
    async fn start(drain_timeout: Duration) -> Self {
        Self::with(DrainSettings { drain_delay: Duration::ZERO, drain_timeout }).await
    }

    async fn with(settings: DrainSettings) -> Self {
        let drain = Drain::with_settings(settings).unwrap();
        let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&release));
        let health = Health::builder().drain(&drain).build().unwrap();
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
            .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
            .route("/big", get(|| async { vec![b'x'; 32 * 1024 * 1024] }))
            .route("/panic", get(|| async { panic!("on purpose") as &'static str }))
            .route(
                "/length",
                get(|| async {
                    let chunks = futures_util::stream::iter(["ab", "cd"].map(Ok::<_, std::io::Error>));
                    Response::builder().header(header::CONTENT_LENGTH, 4).body(Body::from_stream(chunks)).unwrap()
                }),
            )
            .merge(health.router());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tokio::spawn({
            let drain = drain.clone();
            async move { serve(listener, app, &drain).await }
        });
        Self { addr, drain, arrived, release, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn end(self) -> Report {
        timeout(LONG, self.server).await.expect("the server must end").unwrap()
    }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads until the body ends with this.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
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

/// Whether the other side closes.
async fn closes(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(LONG, stream.read_to_end(&mut rest)).await.is_ok()
}

/// A peer: a shutdown held open by half a header.
#[tokio::test]
async fn half_a_request_head_does_not_hold_the_exit_open() {
    let running = Running::start(600 * LONG).await;
    let mut half = running.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nhost: te").await.unwrap();
    let mut served = running.connect().await;
    ask(&mut served, "/").await;
    read_until(&mut served, "hello").await;
    served.write_all(b"GET / HT").await.unwrap();
    running.drain.begin(Cause::Terminate);
    let report = running.end().await;
    assert!(report.is_clean());
    assert_eq!(report.to_string(), "accepted 1, completed 1, aborted 0, refused 0");
    assert!(closes(&mut half).await);
}

#[tokio::test]
async fn idle_and_silent_clients_do_not_hold_the_exit_open() {
    let running = Running::start(600 * LONG).await;
    let mut idle = running.connect().await;
    ask(&mut idle, "/").await;
    let answer = read_until(&mut idle, "hello").await;
    assert!(!answer.contains("connection: close"), "{answer}");
    let mut silent = running.connect().await;
    running.drain.begin(Cause::Terminate);
    assert!(running.end().await.is_clean());
    assert!(closes(&mut idle).await && closes(&mut silent).await);
}

#[tokio::test]
async fn a_slow_request_completes_during_the_drain_and_its_connection_is_closed() {
    let running = Running::start(600 * LONG).await;
    let mut slow = running.connect().await;
    ask(&mut slow, "/slow").await;
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    running.drain.reached(Phase::Closing).await;
    // Longer than idle connections are left open.
    sleep(400 * MS).await;
    assert!(!running.server.is_finished());
    running.release.notify_one();
    let answer = read_until(&mut slow, "slow").await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(closes(&mut slow).await);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 1, aborted 0, refused 0");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_aborted_counted_and_spoils_the_exit_code() {
    let running = Running::start(50 * MS).await;
    let mut slow = running.connect().await;
    ask(&mut slow, "/slow").await;
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    let report = running.end().await;
    assert_eq!(report.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
    assert!(!report.is_clean());
    assert!(closes(&mut slow).await);
}

#[tokio::test]
async fn a_second_signal_aborts_what_is_in_flight() {
    let running = Running::start(600 * LONG).await;
    let mut slow = running.connect().await;
    ask(&mut slow, "/slow").await;
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    running.drain.reached(Phase::Closing).await;
    running.drain.skip();
    assert_eq!(running.end().await.served.aborted, 1);
}

#[tokio::test]
async fn while_announced_it_serves_new_connections_and_says_close() {
    let running = Running::with(DrainSettings { drain_delay: 600 * LONG, drain_timeout: LONG }).await;
    let mut early = running.connect().await;
    ask(&mut early, "/").await;
    read_until(&mut early, "hello").await;
    running.drain.begin(Cause::Terminate);
    let mut late = running.connect().await;
    for stream in [&mut early, &mut late] {
        ask(stream, "/").await;
        let answer = read_until(stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        assert!(closes(stream).await);
    }
    let mut probe = running.connect().await;
    ask(&mut probe, "/ready").await;
    assert!(read_until(&mut probe, "}").await.starts_with("HTTP/1.1 503"));
    let mut probe = running.connect().await;
    ask(&mut probe, "/live").await;
    assert!(read_until(&mut probe, "}").await.starts_with("HTTP/1.1 200"));
    // The second signal skips the rest of the delay.
    running.drain.skip();
    let addr = running.addr;
    assert_eq!(running.end().await.to_string(), "accepted 5, completed 5, aborted 0, refused 0");
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn sigint_skips_the_delay() {
    let running = Running::with(DrainSettings { drain_delay: 600 * LONG, drain_timeout: LONG }).await;
    running.drain.begin(Cause::Interrupt);
    assert!(running.end().await.is_clean());
}

/// Requests that were on their way when accepting stopped are answered, not reset.
#[tokio::test]
async fn no_request_on_its_way_is_lost() {
    let running = Running::start(LONG).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut stream = running.connect().await;
        ask(&mut stream, "/").await;
        read_until(&mut stream, "hello").await;
        clients.push(stream);
    }
    // In the system's queue, and not yet taken by the server.
    for _ in 0..50 {
        clients.push(running.connect().await);
    }
    running.drain.begin(Cause::Interrupt);
    // Until it accepts no more.
    while TcpStream::connect(running.addr).await.is_ok() {}
    for stream in &mut clients {
        ask(stream, "/").await;
    }
    for stream in &mut clients {
        let answer = read_until(stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(running.end().await.to_string(), "accepted 150, completed 150, aborted 0, refused 0");
}

/// An answer whose body has been handed over, but waits for a slow reader, is in flight still.
#[tokio::test]
async fn an_answer_that_waits_for_its_reader_is_not_cut_off() {
    let running = Running::start(LONG).await;
    let mut slow = running.connect().await;
    ask(&mut slow, "/big").await;
    let mut first = [0; 1024];
    slow.read_exact(&mut first).await.unwrap();
    running.drain.begin(Cause::Interrupt);
    sleep(600 * MS).await;
    assert!(!running.server.is_finished());
    let mut rest = Vec::new();
    timeout(LONG, slow.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.len() > 32 * 1024 * 1024 - 1024);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 1, aborted 0, refused 0");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_aborted_at_the_limit() {
    let running = Running::start(400 * MS).await;
    let mut slow = running.connect().await;
    ask(&mut slow, "/big").await;
    let mut first = [0; 1024];
    slow.read_exact(&mut first).await.unwrap();
    running.drain.begin(Cause::Interrupt);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
}

#[tokio::test]
async fn every_way_to_end_a_request_is_counted() {
    let running = Running::start(LONG).await;
    let mut stream = running.connect().await;
    ask(&mut stream, "/length").await;
    read_until(&mut stream, "abcd").await;
    stream.write_all(b"HEAD / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
    read_until(&mut stream, "abc").await;
    ask(&mut stream, "/peer").await;
    let peer = stream.local_addr().unwrap().to_string();
    read_until(&mut stream, &peer).await;
    ask(&mut stream, "/panic").await;
    assert!(closes(&mut stream).await);
    let mut gone = running.connect().await;
    ask(&mut gone, "/slow").await;
    running.arrived.notified().await;
    drop(gone);
    // The server notices when it can.
    running.drain.begin(Cause::Interrupt);
    let report = running.end().await;
    assert_eq!(report.to_string(), "accepted 6, completed 4, aborted 0, refused 0, ended by clients 2");
    assert!(report.is_clean());
}

#[tokio::test]
async fn a_client_that_never_sends_a_head_is_dropped_in_time() {
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(|| async { StatusCode::OK }));
    let settings = ServerSettings { head_timeout: 50 * MS };
    let server = Server::with_settings(listener, app, settings).unwrap();
    let (served, ()) = tokio::join!(server.run(&drain), async {
        for start in ["", "PRI * HT", "GET / HTTP/1.1\r\nho"] {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            assert!(closes(&mut stream).await, "{start:?}");
        }
        drain.begin(Cause::Interrupt);
    });
    assert_eq!(served.accepted, 0);
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

impl Running {
    async fn http2(&self) -> Http2 {
        let io = TokioIo::new(self.connect().await);
        let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://test{path}")).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn over_http2_what_is_in_flight_completes_and_idle_connections_go() {
    let running = Running::start(600 * LONG).await;
    let (mut busy, mut idle) = (running.http2().await, running.http2().await);
    assert_eq!(idle.send_request(request("/")).await.unwrap().version(), Version::HTTP_2);
    let slow = tokio::spawn(busy.send_request(request("/slow")));
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    running.drain.reached(Phase::Closing).await;
    timeout(LONG, async {
        while !idle.is_closed() {
            sleep(MS).await;
        }
    })
    .await
    .unwrap();
    assert!(!running.server.is_finished());
    running.release.notify_one();
    let answer = slow.await.unwrap().unwrap();
    assert!(answer.headers().get(header::CONNECTION).is_none());
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "slow");
    assert_eq!(running.end().await.to_string(), "accepted 2, completed 2, aborted 0, refused 0");
}

#[tokio::test]
async fn over_http2_requests_are_aborted_at_the_limit_and_their_handlers_dropped() {
    let running = Running::start(50 * MS).await;
    let mut client = running.http2().await;
    let slow = tokio::spawn(client.send_request(request("/slow")));
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    let release = Arc::downgrade(&running.release);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
    assert!(slow.await.unwrap().is_err());
    timeout(LONG, async {
        while release.strong_count() > 0 {
            sleep(MS).await;
        }
    })
    .await
    .expect("no handler runs on");
}

/// A WebSocket, as far as the server can tell: the handler talks on after the 101.
async fn upgrade(drain: Drain, mut request: axum::extract::Request) -> Response<Body> {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.unwrap());
        io.write_all(b"welcome").await.unwrap();
        drain.reached(Phase::Closing).await;
        // A polite one.
        if request.uri().path() == "/polite" {
            sleep(400 * MS).await;
            io.write_all(b"goodbye").await.unwrap();
        } else {
            std::future::pending::<()>().await;
        }
    });
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    answer.header(header::CONNECTION, "upgrade").header(header::UPGRADE, "chat").body(Body::empty()).unwrap()
}

/// An HTTP/2 client that answers neither GOAWAY nor pings, and asks on.
#[tokio::test]
async fn a_request_that_comes_too_late_is_refused_and_counted() {
    fn headers(stream: u8, path: &str) -> Vec<u8> {
        // GET, http, the path, and `test` for the authority.
        let block = [&[0x82, 0x86, 0x44, path.len() as u8], path.as_bytes(), &[0x41, 4], b"test"].concat();
        [&[0, 0, block.len() as u8, 1, 5, 0, 0, 0, stream], &*block].concat()
    }
    let running = Running::start(600 * LONG).await;
    let mut stream = running.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream.write_all(&headers(1, "/slow")).await.unwrap();
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    running.drain.reached(Phase::Closing).await;
    sleep(400 * MS).await;
    stream.write_all(&headers(3, "/")).await.unwrap();
    let mut seen = Vec::new();
    timeout(LONG, async {
        while !seen.windows(9).any(|window| window == b"draining\n") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
    })
    .await
    .unwrap();
    running.release.notify_one();
    timeout(LONG, async {
        while !seen.windows(4).any(|window| window == b"slow") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
    })
    .await
    .unwrap();
    drop(stream);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 1, aborted 0, refused 1");
}

/// A handler that blocks its thread cannot be stopped; the exit does not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_does_not_hold_the_exit_open() {
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
    ask(&mut stream, "/").await;
    arrived.notified().await;
    drain.begin(Cause::Interrupt);
    let report = timeout(LONG, server).await.unwrap().unwrap();
    assert_eq!(report.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
    drop(unblock);
}

#[tokio::test]
async fn upgraded_connections_may_say_goodbye_and_are_aborted_at_the_limit() {
    for (path, drain_timeout, counts) in [
        ("/polite", 600 * LONG, "accepted 1, completed 1, aborted 0, refused 0"),
        ("/deaf", 50 * MS, "accepted 1, completed 1, aborted 1, refused 0"),
    ] {
        let drain = Drain::with_settings(DrainSettings { drain_delay: 600 * LONG, drain_timeout }).unwrap();
        let seen = drain.clone();
        let app = Router::new().fallback(move |request| upgrade(seen.clone(), request));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        // Announced: new connections are served still, and upgraded too.
        drain.begin(Cause::Terminate);
        let (report, ()) = tokio::join!(serve(listener, app, &drain), async {
            let head = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = read_until(&mut stream, "welcome").await;
            assert!(answer.contains("connection: upgrade"), "{answer}");
            drain.skip();
            if path == "/polite" {
                read_until(&mut stream, "goodbye").await;
            }
        });
        assert_eq!(report.to_string(), counts, "{path}");
    }
}

/// Layers at the entrance are the user's, and see what the server adds.
#[tokio::test]
async fn a_layer_at_the_entrance_works() {
    let drain = Drain::new();
    let app = Router::new().route("/", get(|| async { "hello" })).layer(axum::middleware::from_fn(
        |ConnectInfo(peer): ConnectInfo<SocketAddr>, request, next: axum::middleware::Next| async move {
            assert!(peer.ip().is_loopback());
            let mut answer = next.run(request).await;
            answer.headers_mut().insert("x-entrance", header::HeaderValue::from_static("yes"));
            answer
        },
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (report, ()) = tokio::join!(serve(listener, app, &drain), async {
        ask(&mut stream, "/").await;
        assert!(read_until(&mut stream, "hello").await.contains("x-entrance: yes"));
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
            ask(&mut stream, "/").await;
            read_until(&mut stream, "hello").await;
        }
        drain.begin(Cause::Interrupt);
    });
    assert_eq!(drain.finish(one + two).await.served.completed, 2);
}

#[test]
fn a_wrong_timeout_names_field_value_and_range() {
    let error = ServerSettings { head_timeout: Duration::ZERO }.validate().unwrap_err();
    assert_eq!(error.to_string(), "head_timeout = 0ns: must be 1ms to 31536000s");
}
