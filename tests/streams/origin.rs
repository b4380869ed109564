//! The server of these tests, on its own thread and runtime: allocations of the client are counted by thread.

use std::{convert::Infallible, net::SocketAddr, thread, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Path,
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::{net::TcpListener, sync::oneshot};

pub(crate) const CHUNK: usize = 64 * 1024;

/// A server; dropping it stops it.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let served = axum::serve(TcpListener::from_std(listener).unwrap(), routes()).into_future();
                tokio::select! {
                    served = served => served.unwrap(),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn routes() -> Router {
    Router::new()
        .route("/download/{chunks}", get(download))
        .route("/upload", post(upload))
        .route("/cut", get(cut))
        .route("/stall", get(stall))
        .route("/grpc/{status}", post(grpc))
}

async fn download(Path(chunks): Path<u64>) -> Body {
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    Body::from_stream(stream::iter((0..chunks).map(move |_| Ok::<_, Infallible>(chunk.clone()))))
}

/// Returns the number of bytes received.
async fn upload(mut body: Body) -> String {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    bytes.to_string()
}

/// Sends one chunk, then breaks off.
async fn cut() -> Body {
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err("the disk is gone")
    });
    Body::from_stream(stream::iter([Ok(Bytes::from("one"))]).chain(broken))
}

/// Sends one chunk, then nothing.
async fn stall() -> Body {
    let one = stream::iter([Ok::<_, Infallible>(Bytes::from("one"))]);
    Body::from_stream(one.chain(stream::pending()))
}

/// Sends a message of five bytes, then the status in trailers.
async fn grpc(Path(status): Path<String>) -> Response<Body> {
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())]);
    let frames = [Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)];
    let body = Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}
