//! HTTP/2: connections receive GOAWAY.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{Request, Version, header},
};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_drain::{Cause, Phase};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::running::{LONG, MS, Running};

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
async fn http2_requests_in_flight_complete_and_idle_connections_close() {
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
async fn http2_requests_are_aborted_at_the_timeout_and_their_handlers_dropped() {
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
    .expect("the handler is dropped");
}

/// Each of five streams has its response in hyper's hands when the drain aborts their connection.
#[tokio::test]
async fn aborted_http2_streams_are_counted_once() {
    let running = Running::start(50 * MS).await;
    let mut client = running.http2().await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(client.send_request(request("/big")).await.unwrap());
    }
    running.drain.begin(Cause::Terminate);
    assert_eq!(running.end().await.to_string(), "accepted 5, completed 0, aborted 5, refused 0");
}

/// The HTTP/2 client ignores GOAWAY and pings, and sends another request.
#[tokio::test]
async fn late_http2_request_is_refused_and_counted() {
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
