//! A client of the gateway, and a function that polls until a condition holds.

use std::{net::SocketAddr, time::Duration};

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::process::TEST_TIMEOUT;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

// === impl Answer ===

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn served_by(&self) -> &str {
        self.header("x-served-by")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    send(Request::get(format!("http://{address}{path}")).body(Body::empty()).unwrap()).await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: impl Into<Body>) -> Answer {
    send(Request::post(format!("http://{address}{path}")).body(body.into()).unwrap()).await
}

/// Sends a request on a connection of its own and reads the whole answer.
pub(crate) async fn send(request: Request<Body>) -> Answer {
    let (parts, body) = stream(request).await.into_parts();
    let body = timeout(TEST_TIMEOUT, body.collect()).await.expect("a body").expect("a whole body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// Sends a request on a connection of its own and returns the answer, whose body streams.
pub(crate) async fn stream(request: Request<Body>) -> Response<Body> {
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let target = request.uri().clone();
    let response = timeout(TEST_TIMEOUT, client.request(request)).await.expect("an answer in time");
    response.unwrap_or_else(|error| panic!("{target}: {error:?}")).map(Body::new)
}

/// Writes a request byte for byte, and reads until the peer closes.
pub(crate) async fn raw(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(TEST_TIMEOUT, connection.read_to_end(&mut answer)).await.expect("the peer closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Polls until there is a result.
pub(crate) async fn until<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(result) = poll().await {
            return result;
        }
        assert!(Instant::now() < end, "waited {TEST_TIMEOUT:?} until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
