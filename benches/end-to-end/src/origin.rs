//! The server behind the proxies. It is minimal, so that it does not limit the proxies.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    process::introduce,
    scenario::{Body, HOLD_MILLIS, LARGE, SMALL},
};

static ZEROS: [u8; LARGE] = [0; LARGE];

/// Serves HTTP/1.1 and HTTP/2 until the process is killed.
pub(crate) async fn run() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    introduce("origin", listener.local_addr()?)?;
    let builder = Builder::new(TokioExecutor::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let builder = builder.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(answer);
            // An error means that the client has disconnected.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    let is = |body: Body| path == body.path();
    let (status, body) = if is(Body::Small) || path == "/api/v1/healthz" {
        (StatusCode::OK, SMALL.as_bytes())
    } else if is(Body::Download) {
        (StatusCode::OK, &ZEROS[..])
    } else if is(Body::Hold) {
        sleep(Duration::from_millis(HOLD_MILLIS)).await;
        (StatusCode::OK, SMALL.as_bytes())
    } else if is(Body::Upload) {
        match length(request.body_mut()).await {
            LARGE => (StatusCode::OK, SMALL.as_bytes()),
            _ => (StatusCode::BAD_REQUEST, &[][..]),
        }
    } else {
        (StatusCode::NOT_FOUND, &[][..])
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ETAG, HeaderValue::from_static("\"4711-1\""));
    Ok(response)
}

/// Returns the length of a body; zero if it breaks off.
async fn length(body: &mut Incoming) -> usize {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return 0,
        }
    }
    length
}
