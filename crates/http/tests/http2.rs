//! Over HTTP/2: the status of a stream is in its trailers, and trailers of a request are sent again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use mainstay_core::{FailureKind, Follow, Outcome, Replay as _};
use mainstay_http::{Grpc, Http, Replayable};
use tokio::{net::TcpListener, sync::oneshot};

type Frames = VecDeque<Result<Frame<Bytes>, &'static str>>;
type Scripted = StreamBody<Script>;

/// Yields these frames; after the last one it ends, hangs, or fails on a signal.
struct Script(Frames, End);

enum End {
    Ends,
    Hangs,
    Fails(oneshot::Receiver<()>),
}

impl futures_util::Stream for Script {
    type Item = Result<Frame<Bytes>, &'static str>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(frame) = self.0.pop_front() {
            return Poll::Ready(Some(frame));
        }
        match &mut self.1 {
            End::Ends => Poll::Ready(None),
            End::Hangs => Poll::Pending,
            End::Fails(signal) => Pin::new(signal).poll(cx).map(|_| Some(Err("broken"))),
        }
    }
}

fn data() -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(b"x")))
}

fn status(code: &'static str) -> Result<Frame<Bytes>, &'static str> {
    let name = http::HeaderName::from_static("grpc-status");
    Ok(Frame::trailers(HeaderMap::from_iter([(name, HeaderValue::from_static(code))])))
}

/// Starts a server that responds to its one request with these frames.
async fn serve<const N: usize>(frames: [Result<Frame<Bytes>, &'static str>; N], end: End) -> String {
    let body: Mutex<Option<Scripted>> = Mutex::new(Some(StreamBody::new(Script(frames.into(), end))));
    let listener = bind().await;
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_: Request<Incoming>| {
            let body = body.lock().unwrap().take().unwrap();
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // The client may disconnect.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
    url
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn client<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<mainstay_core::BoxError>,
{
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

/// Returns the body of a call that is followed, and its outcome.
async fn follow(url: &str) -> (UnsyncBoxBody<Bytes, hyper::Error>, oneshot::Receiver<Outcome>) {
    let request = Request::post(url).body(Full::<Bytes>::default()).unwrap();
    let response = client().request(request).await.unwrap().map(Incoming::boxed_unsync);
    let (settle, settled) = oneshot::channel();
    let response = Grpc::new().follow(response, |outcome| {
        let _ = settle.send(outcome);
    });
    (response.into_body(), settled)
}

#[tokio::test]
async fn trailers_decide_the_outcome_of_a_stream() {
    for (code, outcome) in [("0", Outcome::Success), ("8", Outcome::rate_limited(None))] {
        let (body, settled) = follow(&serve([data(), status(code)], End::Ends).await).await;
        body.collect().await.unwrap();
        assert_eq!(settled.await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn broken_stream_is_a_failure_of_the_network() {
    let (sender, receiver) = oneshot::channel();
    let (mut body, settled) = follow(&serve([data()], End::Fails(receiver)).await).await;
    body.frame().await.unwrap().unwrap();
    sender.send(()).unwrap();
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(settled.await.unwrap(), Outcome::failure(FailureKind::Network));
}

#[tokio::test]
async fn dropped_stream_is_success_or_ignored_if_a_poll_was_pending() {
    for (pending, outcome) in [(false, Outcome::Success), (true, Outcome::ignored())] {
        let (mut body, settled) = follow(&serve([data()], End::Hangs).await).await;
        body.frame().await.unwrap().unwrap();
        if pending {
            assert!(body.frame().now_or_never().is_none());
        }
        drop(body);
        assert_eq!(settled.await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn trailers_of_a_request_are_sent_again() {
    let listener = bind().await;
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let frames: Frames = [data(), data(), status("7")].into();
    let body = Replayable::new(StreamBody::new(Script(frames, End::Ends)));
    let mut first = Request::put(url).body(body).unwrap();
    let second = Request::from(Http::new().replay(&first).unwrap().into_request());
    // The first attempt reads the whole body and is dropped.
    while first.body_mut().frame().await.is_some() {}
    drop(first);

    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let echo =
            service_fn(|request: Request<Incoming>| async { Ok::<_, Infallible>(Response::new(request.into_body())) });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), echo).await;
    });
    let echoed = client().request(second).await.unwrap().collect().await.unwrap();
    assert_eq!(echoed.trailers().unwrap()["grpc-status"], "7");
    assert_eq!(echoed.to_bytes(), "xx");
}
