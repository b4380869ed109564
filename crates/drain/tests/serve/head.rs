//! Responses to `HEAD`: an HTTP/2 client treats a body as a protocol error.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, Response, StatusCode, header},
};
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_drain::{Drain, DrainSettings, serve};
use tokio::net::TcpListener;
use tower::service_fn;

/// A service that ignores the method. axum does not remove the bodies of a fallback service.
fn app() -> Router {
    Router::new().fallback_service(service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::builder().status(StatusCode::NOT_FOUND).body(Body::from("nothing here")).unwrap())
    }))
}

async fn send(http2: bool, method: Method) -> (Response<()>, Bytes) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let second = Duration::from_secs(1);
    let drain = Drain::with_settings(DrainSettings { drain_delay: Duration::ZERO, drain_timeout: second }).unwrap();
    let server = tokio::spawn(async move { serve(listener, app(), &drain).await });
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let request = Request::builder().method(method).uri(format!("http://{address}/")).body(String::new()).unwrap();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    server.abort();
    (Response::from_parts(head, ()), body)
}

#[tokio::test]
async fn head_response_has_the_headers_of_get_and_no_body() {
    for http2 in [false, true] {
        let (get, body) = send(http2, Method::GET).await;
        assert_eq!((get.status(), &body[..]), (StatusCode::NOT_FOUND, &b"nothing here"[..]), "{http2}");
        let (head, body) = send(http2, Method::HEAD).await;
        assert_eq!((head.status(), body.len()), (StatusCode::NOT_FOUND, 0), "{http2}");
        assert_eq!(head.headers()[header::CONTENT_LENGTH], "12", "{http2}");
    }
}
