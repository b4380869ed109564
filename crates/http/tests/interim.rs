//! Servers that send interim responses (1xx) without end.
#![cfg(feature = "probe")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, Classify as _, FailureKind, Outcome};
use mainstay_http::{
    Http,
    client::{Connector, InterimLimit, MAX_INTERIM_RESPONSES, TooManyInterimResponses},
    probe::HttpProbe,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};

/// Far longer than any step takes; a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);

type HyperClient = Client<Connector<HttpConnector>, Empty<Bytes>>;

/// A server of one connection. It reads once, and sends `start` and then `repeated` until the client closes.
async fn flood(start: &'static [u8], repeated: Vec<u8>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let closed = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(start).await.unwrap();
        let repeated = repeated.repeat(1_000);
        while stream.write_all(&repeated).await.is_ok() {}
    });
    (url, closed)
}

fn client(http2: bool) -> HyperClient {
    Client::builder(TokioExecutor::new()).http2_only(http2).build(Connector::new(HttpConnector::new()))
}

fn request(url: &str) -> Request<Empty<Bytes>> {
    Request::get(url).body(Empty::new()).unwrap()
}

fn interim() -> Vec<u8> {
    b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()
}

/// Defect: the request waited for its timeout, and one poll of its connection took seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_interim_responses_end_the_request_and_close_the_connection() {
    let (url, closed) = flood(b"", interim()).await;
    let mut request = request(&url);
    let limit = InterimLimit::new(&mut request, |_| {});
    let sent = timeout(LONG, limit.limit(client(false).request(request))).await.expect("it ends");
    let error = BoxError::from(sent.unwrap_err());
    assert_eq!(error.to_string(), "more than 32 interim responses (1xx)");
    assert_eq!(Http::new().classify(Err::<&http::Response<()>, _>(&error)), Outcome::failure(FailureKind::Network));
    timeout(LONG, closed).await.expect("it is closed").unwrap();
}

#[tokio::test]
async fn interim_responses_are_observed_up_to_the_limit() {
    for (number, is_within) in [(0, true), (MAX_INTERIM_RESPONSES, true), (MAX_INTERIM_RESPONSES + 1, false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut request = request(&format!("http://{}/", listener.local_addr().unwrap()));
        let seen = Arc::<AtomicU32>::default();
        let counter = Arc::clone(&seen);
        let limit = InterimLimit::new(&mut request, move |status| {
            assert_eq!(status, StatusCode::EARLY_HINTS);
            counter.fetch_add(1, Relaxed);
        });
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            let answer = [interim().repeat(number as usize), b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()].concat();
            stream.write_all(&answer).await.unwrap();
            stream
        };
        let (response, _stream) = tokio::join!(limit.limit(client(false).request(request)), server);
        let status = response.map(|response| response.unwrap().status());
        let expected = if is_within { Ok(StatusCode::NO_CONTENT) } else { Err(()) };
        assert_eq!(status.map_err(|_: TooManyInterimResponses| ()), expected, "{number}");
        assert_eq!(seen.load(Relaxed), number.min(MAX_INTERIM_RESPONSES));
    }
}

/// Defect: the connection of a probe read without end in one poll. Two of them kept both threads of a gateway busy.
#[tokio::test]
async fn probe_with_endless_interim_responses_fails() {
    let (url, closed) = flood(b"", interim()).await;
    let error = timeout(LONG, HttpProbe::new(&url).unwrap().send()).await.expect("it ends").unwrap_err();
    assert!(error.to_string().contains("interim responses"), "{error}");
    timeout(LONG, closed).await.expect("it is closed").unwrap();
}

/// hyper does not report the interim responses of HTTP/2: the timeout limits them, and the thread serves other tasks.
#[tokio::test]
async fn endless_interim_responses_over_http2_let_the_timeout_end_the_request() {
    // Empty settings, and then `:status: 103` on the first stream.
    let (url, closed) = flood(b"\0\0\0\x04\0\0\0\0\0", b"\0\0\x05\x01\x04\0\0\0\x01\x08\x03103".to_vec()).await;
    let (client, mut request) = (client(true), request(&url));
    let limit = InterimLimit::new(&mut request, |_| {});
    let sent = timeout(Duration::from_millis(300), limit.limit(client.request(request))).await;
    assert!(sent.is_err(), "{sent:?}");
    drop(client);
    timeout(LONG, closed).await.expect("it is closed").unwrap();
}
