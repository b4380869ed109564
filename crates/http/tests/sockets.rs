//! Over real sockets: connections of discarded responses are reused, and streamed requests are sent again.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, Classify, Replay as _};
use mainstay_http::{Http, Replayable};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
};

/// A server that sends the head of each response at once and the body on a signal, and records on which connection each
/// request came.
struct Slow {
    address: String,
    connections: Arc<Mutex<Vec<u32>>>,
    body: Arc<Notify>,
}

impl Slow {
    async fn start(length: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (connections, body) = (Arc::<Mutex<Vec<u32>>>::default(), Arc::new(Notify::new()));
        let slow = Self { address, connections: connections.clone(), body: body.clone() };
        tokio::spawn(async move {
            for number in 1.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (connections, body) = (connections.clone(), body.clone());
                tokio::spawn(async move {
                    while read_head(&mut stream).await.is_some() {
                        connections.lock().unwrap().push(number);
                        let head = format!("HTTP/1.1 503 Busy\r\ncontent-length: {length}\r\n\r\n");
                        stream.write_all(head.as_bytes()).await.unwrap();
                        body.notified().await;
                        if stream.write_all(&vec![b'x'; length]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        slow
    }

    /// Returns the number of the connection of each request.
    fn connections(&self) -> Vec<u32> {
        self.connections.lock().unwrap().clone()
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(head)
}

/// Yields until all tasks and their loopback sockets are idle: all run on one thread.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

fn client<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body + Send + 'static + Unpin,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    Client::builder(TokioExecutor::new()).build_http()
}

async fn two_discarded<P>(policy: P, length: usize) -> Vec<u32>
where
    P: Classify<http::Response<hyper::body::Incoming>, BoxError>,
{
    let server = Slow::start(length).await;
    let client = client::<Empty<Bytes>>();
    for _ in 0..2 {
        let response = client.get(server.address.parse().unwrap()).await.unwrap();
        policy.discard(Ok(response));
        server.body.notify_one();
        settle().await;
    }
    server.connections()
}

/// Without draining, each retry costs a connection, as it does in another library.
#[tokio::test]
async fn connection_of_drained_response_is_reused() {
    assert_eq!(two_discarded(Http::new().draining(), 1_000).await, [1, 1]);
    assert_eq!(two_discarded(Http::new(), 1_000).await, [1, 2], "without draining the connection is closed");
}

#[tokio::test]
async fn body_over_the_limit_is_not_drained() {
    assert_eq!(two_discarded(Http::new().draining(), 65 * 1024).await, [1, 2]);
    assert_eq!(two_discarded(Http::new().draining().with_max_bytes(100_000), 65 * 1024).await, [1, 1]);
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn reqwest_reuses_connection_of_drained_response() {
    use mainstay_http::Reqwest;

    let server = Slow::start(1_000).await;
    let client = reqwest::Client::new();
    for _ in 0..2 {
        let response = client.get(&server.address).send().await.unwrap();
        Classify::<_, BoxError>::discard(&Reqwest::new().draining(), Ok(response));
        server.body.notify_one();
        settle().await;
    }
    assert_eq!(server.connections(), [1, 1]);
}

type Stream = StreamBody<chunks::Chunks>;

mod chunks {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use super::{Bytes, Frame, Infallible, mpsc};

    /// The chunks that a client sends.
    pub(super) struct Chunks(pub(super) mpsc::Receiver<&'static str>);

    impl futures_util::Stream for Chunks {
        type Item = Result<Frame<Bytes>, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| Ok(Frame::data(Bytes::from(chunk)))))
        }
    }
}

fn upload(address: &str) -> (mpsc::Sender<&'static str>, Request<Replayable<Stream>>) {
    let (sender, receiver) = mpsc::channel(8);
    let body = Replayable::new(StreamBody::new(chunks::Chunks(receiver)));
    (sender, Request::put(address).body(body).unwrap())
}

/// Reads the body of a chunked request to its end.
async fn read_chunks(stream: &mut TcpStream) -> String {
    let mut raw = Vec::new();
    while !raw.ends_with(b"0\r\n\r\n") {
        raw.push(stream.read_u8().await.unwrap());
    }
    let lines = String::from_utf8(raw).unwrap();
    lines.split("\r\n").skip(1).step_by(2).collect()
}

#[tokio::test]
async fn upload_continues_at_next_attempt_after_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sender, first) = upload(&format!("http://{}/", listener.local_addr().unwrap()));
    let second = Http::new().replay(&first).unwrap().into_request();
    let client = client();

    let attempt = tokio::spawn(client.request(first));
    sender.send("one ").await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream).await.unwrap();
    stream.set_zero_linger().unwrap();
    drop(stream);
    let error: BoxError = attempt.await.unwrap().unwrap_err().into();
    assert!(Classify::<http::Response<()>, _>::classify(&Http::new(), Err(&error)).is_failure());

    assert!(mainstay_core::Replay::<Request<_>>::is_intact(&Http::new(), &second));
    let attempt = tokio::spawn(client.request(second.into()));
    sender.send("two").await.unwrap();
    drop(sender);
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream).await.unwrap();
    assert_eq!(read_chunks(&mut stream).await, "one two");
    stream.write_all(b"HTTP/1.1 204 Done\r\n\r\n").await.unwrap();
    assert_eq!(attempt.await.unwrap().unwrap().status(), 204);
}

/// The first server responds before it has read the request and keeps the connection, so the client still holds the body.
#[tokio::test]
async fn upload_continues_at_next_attempt_while_early_response_holds_the_first() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sender, first) = upload(&format!("http://{}/", listener.local_addr().unwrap()));
    let second = Http::new().replay(&first).unwrap().into_request();
    let client = client();

    let attempt = tokio::spawn(client.request(first));
    sender.send("one ").await.unwrap();
    let (mut early, _) = listener.accept().await.unwrap();
    read_head(&mut early).await.unwrap();
    early.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let response = attempt.await.unwrap().unwrap();
    assert_eq!(response.status(), 503);
    drop(response);

    let attempt = tokio::spawn(client.request(second.into()));
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream).await.unwrap();
    sender.send("two").await.unwrap();
    drop(sender);
    assert_eq!(read_chunks(&mut stream).await, "one two");
    stream.write_all(b"HTTP/1.1 200 Done\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    let body = attempt.await.unwrap().unwrap().collect().await.unwrap().to_bytes();
    assert_eq!(body, "ok");
    // The first exchange ends too and does not hang.
    assert_eq!(read_chunks(&mut early).await, "one two");
}
