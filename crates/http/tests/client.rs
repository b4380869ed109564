//! Over real sockets: requests on stale connections, and answers that come before the upload has ended.
#![cfg(feature = "hyper")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Repeat};
use mainstay_http::{
    Http, Replayable,
    client::{Connector, RepeatStale, is_stale},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::{Service as _, ServiceExt as _};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Reply {
    Answer,
    /// Closes the connection without an answer.
    Close,
    Reset,
    /// Closes the connection in the middle of the answer's head.
    CloseInHead,
}

type Body = Replayable<Full<Bytes>>;
type HyperClient = Client<Connector<HttpConnector>, Body>;

/// A server with a script for each connection. A connection is closed at the end of its script.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(scripts: &'static [&'static [Reply]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Relaxed);
                tokio::spawn(follow(stream, script));
            }
        });
        Self { url, connections }
    }

    fn request(&self, method: &str) -> Request<Body> {
        let body = if method == "GET" { Bytes::new() } else { Bytes::from_static(b"order") };
        Request::builder().method(method).uri(&self.url).body(Replayable::new(Full::new(body))).unwrap()
    }
}

async fn follow(mut stream: TcpStream, script: &[Reply]) {
    for reply in script {
        if read_request(&mut stream).await.is_none() {
            return;
        }
        match reply {
            Reply::Answer => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap(),
            Reply::Close => return,
            Reply::Reset => return stream.set_zero_linger().unwrap(),
            Reply::CloseInHead => return stream.write_all(b"HTTP/1.1 2").await.unwrap(),
        }
    }
}

/// Reads a request whose body, if there is one, is `order`.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        read.push(stream.read_u8().await.ok()?);
        let is_get = read.starts_with(b"GET");
        if (is_get && read.ends_with(b"\r\n\r\n")) || read.ends_with(b"\r\n\r\norder") {
            return Some(());
        }
    }
}

fn client() -> RepeatStale<HyperClient> {
    let mut builder = Client::builder(TokioExecutor::new());
    let connector = Connector::new(HttpConnector::new());
    let pooled = builder.build(connector.clone());
    RepeatStale::new(pooled, builder.pool_max_idle_per_host(0).build(connector))
}

async fn send(client: &mut RepeatStale<HyperClient>, request: Request<Body>) -> Result<StatusCode, legacy::Error> {
    let response = client.ready().await?.call(request).await?;
    let status = response.status();
    response.into_body().collect().await.unwrap();
    Ok(status)
}

fn classify(error: legacy::Error) -> Outcome {
    Classify::<http::Response<()>, _>::classify(&Http::new(), Err(&BoxError::from(error)))
}

#[tokio::test]
async fn idempotent_request_on_a_stale_connection_is_sent_again_on_a_new_one() {
    for method in ["GET", "PUT"] {
        for end in [&[Reply::Answer, Reply::Close] as &[_], &[Reply::Answer, Reply::Reset]] {
            let scripts: &[_] = Box::leak(Box::new([end, &[Reply::Answer]]));
            let (server, mut client) = (Server::start(scripts).await, client());
            for sent in 1..=2 {
                assert_eq!(send(&mut client, server.request(method)).await.unwrap(), 200, "{method} {sent}");
                assert_eq!(server.connections.load(Relaxed), sent);
            }
        }
    }
}

/// Defect: a stale connection blamed its server. Whether the server has received the POST is unknown.
#[tokio::test]
async fn post_on_a_stale_connection_is_ignored_and_not_sent_again() {
    let (server, mut client) = (Server::start(&[&[Reply::Answer, Reply::Close], &[Reply::Answer]]).await, client());
    assert_eq!(send(&mut client, server.request("POST")).await.unwrap(), 200);
    let error = send(&mut client, server.request("POST")).await.unwrap_err();
    assert!(is_stale(&error));
    assert_eq!(classify(error), Outcome::Ignored { repeat: Repeat::Backoff });
    assert_eq!(server.connections.load(Relaxed), 1);
    let mut keyed = server.request("POST");
    keyed.headers_mut().insert("idempotency-key", "7".parse().unwrap());
    assert_eq!(send(&mut client, keyed).await.unwrap(), 200);
}

#[tokio::test]
async fn new_connection_that_closes_unanswered_is_a_failure() {
    let scripts: [&'static [&'static [Reply]]; 2] =
        [&[&[Reply::Close], &[Reply::Answer]], &[&[Reply::Answer, Reply::Close], &[Reply::Close], &[Reply::Answer]]];
    for (answered, script) in scripts.into_iter().enumerate() {
        let (server, mut client) = (Server::start(script).await, client());
        for _ in 0..answered {
            send(&mut client, server.request("GET")).await.unwrap();
        }
        let error = send(&mut client, server.request("GET")).await.unwrap_err();
        assert!(!is_stale(&error));
        assert_eq!(classify(error), Outcome::failure(FailureKind::Network));
        assert_eq!(server.connections.load(Relaxed), answered + 1);
    }
}

#[tokio::test]
async fn used_connection_that_closes_within_an_answer_is_a_failure() {
    let (server, mut client) = (Server::start(&[&[Reply::Answer, Reply::CloseInHead]]).await, client());
    send(&mut client, server.request("GET")).await.unwrap();
    let error = send(&mut client, server.request("GET")).await.unwrap_err();
    assert_eq!(classify(error), Outcome::failure(FailureKind::Network));
}

/// Defect: the server's answer was lost if it closed with a part of the upload unread.
#[tokio::test]
async fn early_refusal_of_an_upload_is_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 64]).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
        }
    });
    for _ in 0..50 {
        let upload = Replayable::new(Full::new(Bytes::from(vec![b'x'; 4 << 20])));
        let request = Request::post(&url).body(upload).unwrap();
        assert_eq!(send(&mut client(), request).await.unwrap(), 413);
    }
}
