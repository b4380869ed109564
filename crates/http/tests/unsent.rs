//! Over real sockets: which errors of a client show that nothing was sent, and which are the caller's own.
#![cfg(feature = "hyper")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{error::Error, fmt, io};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Reason, Repeat};
use mainstay_http::{Http, policy::own_limit};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

const UNSENT: Outcome = Outcome::failure(FailureKind::Connect);
const NETWORK: Outcome = Outcome::failure(FailureKind::Network);

fn classify(error: impl Into<BoxError>) -> Outcome {
    Classify::<Response<()>, _>::classify(&Http::new(), Err(&error.into()))
}

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

fn client<B>(http2: bool) -> Client<HttpConnector, B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

/// Returns the outcome of a POST.
async fn post(url: &str, http2: bool) -> Outcome {
    let request = Request::post(url).body(Full::<Bytes>::from("order")).unwrap();
    classify(client(http2).request(request).await.unwrap_err())
}

/// Returns the outcome of an upload whose body fails after its first chunk.
async fn broken_upload(url: &str, http2: bool) -> Outcome {
    let chunks = [Ok(Frame::data(Bytes::from_static(b"x"))), Err("the caller hung up")];
    let request = Request::post(url).body(StreamBody::new(stream::iter(chunks))).unwrap();
    classify(client(http2).request(request).await.unwrap_err())
}

#[tokio::test]
async fn refused_connection_and_unknown_name_are_unsent() {
    let (listener, url) = bind().await;
    drop(listener);
    for http2 in [false, true] {
        assert_eq!(post(&url, http2).await, UNSENT);
        assert_eq!(post("http://name.invalid/", http2).await, UNSENT);
    }
    assert_eq!(classify(io::Error::from(io::ErrorKind::ConnectionRefused)), UNSENT);
}

#[tokio::test]
async fn reset_after_the_request_was_sent_is_a_failure_of_the_network() {
    let (listener, url) = bind().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read_u8().await.unwrap();
        stream.set_zero_linger().unwrap();
    });
    assert_eq!(post(&url, false).await, NETWORK);
    assert_eq!(classify(io::Error::from(io::ErrorKind::ConnectionReset)), NETWORK);
}

/// What the HTTP/2 server does with each stream.
#[derive(Clone, Copy)]
enum Answer {
    Reset(h2::Reason),
    /// `GOAWAY` with this last stream, which is below the client's.
    GoAway(h2::Reason),
    /// Reads the stream and never responds.
    Hang,
}

async fn http2_server(answer: Answer) -> String {
    let (listener, url) = bind().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        if let Answer::GoAway(reason) = answer {
            // The client's preface and the head of its first frames, then empty settings and a `GOAWAY` for stream 0.
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            let code = u32::from(reason).to_be_bytes();
            let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            frame.extend(code);
            // Once the request was received: its HEADERS frame follows the client's settings.
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(&frame).await.unwrap();
            std::future::pending::<()>().await;
        }
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut held = Vec::new();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            if let Answer::Reset(reason) = answer {
                respond.send_reset(reason);
            }
            held.push((request, respond));
        }
    });
    url
}

#[tokio::test]
async fn refused_stream_is_unsent_and_other_resets_are_not() {
    assert_eq!(post(&http2_server(Answer::Reset(h2::Reason::REFUSED_STREAM)).await, true).await, UNSENT);
    for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::ENHANCE_YOUR_CALM] {
        assert_eq!(post(&http2_server(Answer::Reset(reason)).await, true).await, NETWORK, "{reason}");
    }
}

#[tokio::test]
async fn stream_above_a_goaway_is_unsent() {
    for reason in [h2::Reason::NO_ERROR, h2::Reason::ENHANCE_YOUR_CALM] {
        assert_eq!(post(&http2_server(Answer::GoAway(reason)).await, true).await, UNSENT, "{reason}");
    }
}

/// Defect: an upload that its caller broke off counted as a failure of the server.
#[tokio::test]
async fn broken_upload_is_the_callers() {
    let (listener, url) = bind().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.read_u8().await.is_ok() {}
    });
    assert_eq!(broken_upload(&url, false).await, Outcome::ignored());
    assert_eq!(broken_upload(&http2_server(Answer::Hang).await, true).await, Outcome::ignored());
}

/// A caller that hangs up can end a body early instead of failing it.
#[tokio::test]
async fn upload_shorter_than_announced_is_the_callers() {
    let (listener, url) = bind().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.read_u8().await.is_ok() {}
    });
    let chunks = [Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"x")))];
    let request = Request::post(url).header("content-length", 5).body(StreamBody::new(stream::iter(chunks))).unwrap();
    assert_eq!(classify(client(false).request(request).await.unwrap_err()), Outcome::ignored());
}

/// A response's head that exceeds this client's limit says nothing about the server.
#[tokio::test]
async fn head_over_the_limit_of_this_client_is_ignored() {
    use tokio::io::AsyncWriteExt as _;

    let (listener, url) = bind().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        let long = "x".repeat(16 * 1024);
        stream.write_all(format!("HTTP/1.1 200 OK\r\nlong: {long}\r\n\r\n").as_bytes()).await.unwrap();
    });
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http1_max_buf_size(8 * 1024).build_http();
    let error = BoxError::from(client.get(url.parse().unwrap()).await.unwrap_err());
    assert_eq!(own_limit(&error), Some(Reason::ResponseTooLarge));
    assert_eq!(classify(error), Outcome::ignored());
}

/// Defect: a process without file descriptors blamed its dependencies.
#[cfg(unix)]
#[test]
fn missing_file_descriptors_are_no_failure_of_the_server() {
    for number in [23, 24] {
        let error = Connecting(io::Error::from_raw_os_error(number));
        let error = BoxError::from(error);
        assert_eq!(own_limit(&error), Some(Reason::OutOfFiles));
        assert_eq!(classify(error), Outcome::ignored().with_repeat(Repeat::Backoff), "{number}");
    }
}

/// An error of a connector, as hyper-util's.
#[derive(Debug)]
struct Connecting(io::Error);

impl fmt::Display for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tcp connect error")
    }
}

impl Error for Connecting {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
