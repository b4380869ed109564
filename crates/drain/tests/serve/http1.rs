//! HTTP/1: what delays the exit, what is served during the drain, and what is counted.

use axum::{Router, http::StatusCode, routing::get};
use mainstay_drain::{Cause, Drain, DrainSettings, Phase, Server, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::running::{LONG, MS, Running, closes, read_until, send_get};

/// A peer: a shutdown held open by half a header.
#[tokio::test]
async fn half_a_request_head_does_not_delay_the_exit() {
    let running = Running::start(600 * LONG).await;
    let mut half = running.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nhost: te").await.unwrap();
    let mut served = running.connect().await;
    send_get(&mut served, "/").await;
    read_until(&mut served, "hello").await;
    served.write_all(b"GET / HT").await.unwrap();
    running.drain.begin(Cause::Terminate);
    let report = running.end().await;
    assert!(report.is_clean());
    assert_eq!(report.to_string(), "accepted 1, completed 1, aborted 0, refused 0");
    assert!(closes(&mut half).await);
}

#[tokio::test]
async fn idle_and_silent_clients_do_not_delay_the_exit() {
    let running = Running::start(600 * LONG).await;
    let mut idle = running.connect().await;
    send_get(&mut idle, "/").await;
    let answer = read_until(&mut idle, "hello").await;
    assert!(!answer.contains("connection: close"), "{answer}");
    let mut silent = running.connect().await;
    running.drain.begin(Cause::Terminate);
    assert!(running.end().await.is_clean());
    assert!(closes(&mut idle).await && closes(&mut silent).await);
}

#[tokio::test]
async fn slow_request_completes_during_the_drain_and_its_connection_closes() {
    let running = Running::start(600 * LONG).await;
    let mut slow = running.connect().await;
    send_get(&mut slow, "/slow").await;
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
async fn request_longer_than_the_timeout_is_aborted_and_the_exit_code_is_not_zero() {
    let running = Running::start(50 * MS).await;
    let mut slow = running.connect().await;
    send_get(&mut slow, "/slow").await;
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    let report = running.end().await;
    assert_eq!(report.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
    assert!(!report.is_clean());
    assert!(closes(&mut slow).await);
}

#[tokio::test]
async fn skip_phase_while_closing_aborts_requests_in_flight() {
    let running = Running::start(600 * LONG).await;
    let mut slow = running.connect().await;
    send_get(&mut slow, "/slow").await;
    running.arrived.notified().await;
    running.drain.begin(Cause::Terminate);
    running.drain.reached(Phase::Closing).await;
    running.drain.skip_phase();
    assert_eq!(running.end().await.requests.aborted, 1);
}

#[tokio::test]
async fn during_the_delay_new_connections_are_served_with_connection_close() {
    let running = Running::with(DrainSettings { drain_delay: 600 * LONG, drain_timeout: LONG }).await;
    let mut early = running.connect().await;
    send_get(&mut early, "/").await;
    read_until(&mut early, "hello").await;
    running.drain.begin(Cause::Terminate);
    let mut late = running.connect().await;
    for stream in [&mut early, &mut late] {
        send_get(stream, "/").await;
        let answer = read_until(stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        assert!(closes(stream).await);
    }
    // A second signal skips the rest of the delay.
    running.drain.skip_phase();
    let addr = running.addr;
    assert_eq!(running.end().await.to_string(), "accepted 3, completed 3, aborted 0, refused 0");
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn sigint_skips_the_delay() {
    let running = Running::with(DrainSettings { drain_delay: 600 * LONG, drain_timeout: LONG }).await;
    running.drain.begin(Cause::Interrupt);
    assert!(running.end().await.is_clean());
}

/// Requests in transit when the listener closes are answered, not reset.
#[tokio::test]
async fn requests_in_transit_are_answered() {
    let running = Running::start(LONG).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut stream = running.connect().await;
        send_get(&mut stream, "/").await;
        read_until(&mut stream, "hello").await;
        clients.push(stream);
    }
    // In the system's accept queue, not yet accepted by the server.
    for _ in 0..50 {
        clients.push(running.connect().await);
    }
    running.drain.begin(Cause::Interrupt);
    // Until the listener is closed. A SYN that meets it while it closes is dropped, and repeated only after a second.
    while !matches!(timeout(10 * MS, TcpStream::connect(running.addr)).await, Ok(Err(_))) {}
    for stream in &mut clients {
        send_get(stream, "/").await;
    }
    for stream in &mut clients {
        let answer = read_until(stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(running.end().await.to_string(), "accepted 150, completed 150, aborted 0, refused 0");
}

/// A response that hyper has buffered, but the client has not read, is still in flight.
#[tokio::test]
async fn response_to_slow_reader_completes_during_the_drain() {
    let running = Running::start(LONG).await;
    let mut slow = running.connect().await;
    send_get(&mut slow, "/big").await;
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
async fn unread_response_is_aborted_at_the_timeout() {
    let running = Running::start(400 * MS).await;
    let mut slow = running.connect().await;
    send_get(&mut slow, "/big").await;
    let mut first = [0; 1024];
    slow.read_exact(&mut first).await.unwrap();
    running.drain.begin(Cause::Interrupt);
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 0, aborted 1, refused 0");
}

#[tokio::test]
async fn requests_are_counted_by_their_end() {
    let running = Running::start(LONG).await;
    let mut stream = running.connect().await;
    send_get(&mut stream, "/length").await;
    read_until(&mut stream, "abcd").await;
    stream.write_all(b"HEAD / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
    read_until(&mut stream, "abc").await;
    send_get(&mut stream, "/peer").await;
    let peer = stream.local_addr().unwrap().to_string();
    read_until(&mut stream, &peer).await;
    send_get(&mut stream, "/panic").await;
    assert!(closes(&mut stream).await);
    let mut gone = running.connect().await;
    send_get(&mut gone, "/slow").await;
    running.arrived.notified().await;
    drop(gone);
    running.drain.begin(Cause::Interrupt);
    let report = running.end().await;
    assert_eq!(report.to_string(), "accepted 6, completed 4, aborted 0, refused 0, cancelled 2");
    assert!(report.is_clean());
}

#[tokio::test]
async fn connection_without_request_head_closes_at_the_head_timeout() {
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(|| async { StatusCode::OK }));
    let settings = ServerSettings { head_timeout: 50 * MS, ..ServerSettings::default() };
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
