//! The routes of a demo backend.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{OriginalUri, Path, Request, State},
    response::Response,
    routing,
};
use futures_util::stream;
use http::{HeaderName, HeaderValue, header::TRAILER};
use http_body_util::BodyExt;
use serde_json::{Value, json};

const DEMO_BACKEND: HeaderName = HeaderName::from_static("x-demo-backend");
const CHUNK: usize = 64 * 1024;
/// The bytes of a body that `/echo` returns at most.
const SHOWN: usize = 16 * 1024;

pub(super) fn router<S: Clone + Send + Sync + 'static>(name: &str) -> Router<S> {
    let about = json!({ "backend": name });
    Router::new()
        .route("/healthz", routing::get(healthz))
        .route("/json", routing::get(document))
        .route("/echo", routing::any(echo))
        .route("/stream", routing::any(stream_back))
        .route("/delay/{ms}", routing::any(delay))
        .route("/bytes/{n}", routing::get(bytes))
        .fallback(echo)
        .with_state(about)
}

/// Adds the name of the backend to every answer.
pub(super) async fn add_backend_name(State(name): State<String>, mut response: Response) -> Response {
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(DEMO_BACKEND, name);
    }
    response
}

async fn healthz(State(about): State<Value>) -> Json<Value> {
    Json(with(about, json!({ "status": "ok" })))
}

async fn document(State(about): State<Value>) -> Json<Value> {
    Json(with(about, json!({ "message": "hello", "orders": [{ "id": 1, "paid": true }, { "id": 2, "paid": false }] })))
}

async fn delay(State(about): State<Value>, Path(ms): Path<u64>) -> Json<Value> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Json(with(about, json!({ "delay_ms": ms })))
}

/// Returns the request as it arrived: method, path and query, headers, body, trailers.
async fn echo(State(about): State<Value>, OriginalUri(target): OriginalUri, request: Request) -> Json<Value> {
    let (parts, mut body) = request.into_parts();
    let (mut shown, mut bytes, mut trailers) = (Vec::new(), 0, Value::Null);
    while let Some(Ok(frame)) = body.frame().await {
        match frame.into_data() {
            Ok(data) => {
                bytes += data.len();
                shown.extend_from_slice(&data[..data.len().min(SHOWN.saturating_sub(shown.len()))]);
            }
            Err(frame) => trailers = frame.trailers_ref().map_or(Value::Null, fields),
        }
    }
    Json(with(
        about,
        json!({
            "method": parts.method.as_str(),
            "target": target.to_string(),
            "headers": fields(&parts.headers),
            "body": String::from_utf8_lossy(&shown),
            "bytes": bytes,
            "trailers": trailers,
        }),
    ))
}

/// Returns the request's body while it arrives, including trailers.
async fn stream_back(request: Request) -> Response {
    let trailer = request.headers().get(TRAILER).cloned();
    let mut response = Response::new(request.into_body());
    if let Some(trailer) = trailer {
        response.headers_mut().insert(TRAILER, trailer);
    }
    response
}

/// Returns `n` bytes, which are generated while they are sent.
async fn bytes(Path(n): Path<u64>) -> Body {
    const ZEROS: &[u8] = &[0; CHUNK];
    Body::from_stream(stream::unfold(n, |left| async move {
        let now = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        (now > 0).then(|| (Ok::<_, Infallible>(Bytes::from_static(&ZEROS[..now])), left - now as u64))
    }))
}

/// Returns header fields as pairs, because names may repeat.
fn fields(headers: &http::HeaderMap) -> Value {
    headers.iter().map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])).collect()
}

fn with(mut about: Value, more: Value) -> Value {
    if let (Value::Object(about), Value::Object(more)) = (&mut about, more) {
        about.extend(more);
    }
    about
}
