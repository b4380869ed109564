//! Which requests and headers are forwarded. Only the operator chooses the backend.

use axum::body::Body;
use http::{Method, Request, StatusCode, Version};
use http_body_util::BodyExt;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{raw, send},
    gateway::{Backend, Gateway},
};

fn start() -> (Backend, Gateway) {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[]);
    (backend, gateway)
}

/// Returns the values of a header as the backend received them.
fn seen<'a>(echo: &'a Value, name: &str) -> Vec<&'a str> {
    let fields = echo["headers"].as_array().unwrap().iter();
    fields.filter(|field| field[0] == name).map(|field| field[1].as_str().unwrap()).collect()
}

/// Returns the body of a raw answer, without its chunking.
fn body_of(answer: &str) -> Value {
    let json = &answer[answer.find('{').expect(answer)..=answer.rfind('}').unwrap()];
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn method_path_query_and_body_arrive_unchanged() {
    let (_backend, gateway) = start();
    let target = "/api/v1/echo/a%2Fb%20c/%E2%82%AC//x;y=1?q=a%20b+c&empty=&q=%26";
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let uri = format!("http://{}{target}", gateway.address());
        let request = Request::builder().method(&method).uri(uri).body(Body::from("some body")).unwrap();
        let answer = send(request).await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "primary"));
        let echo = answer.json();
        assert_eq!(echo["method"], method.as_str());
        assert_eq!(echo["target"], target);
        assert_eq!(echo["body"], "some body");
    }
}

#[tokio::test]
async fn head_has_content_length_and_no_body() {
    let (_backend, gateway) = start();
    let whole = gateway.get("/api/v1/json").await;
    let request = "HEAD /api/v1/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = raw(gateway.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(&format!("content-length: {}", whole.body.len())), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn backend_receives_forwarding_headers() {
    let (backend, gateway) = start();
    let uri = format!("http://{}/api/v1/echo", gateway.address());
    let request = Request::get(uri).header("host", "shop.example:8443").header("via", "1.0 fred");
    let echo = send(request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(seen(&echo, "host"), [backend.address().to_string()]);
    assert_eq!(seen(&echo, "x-forwarded-host"), ["shop.example:8443"]);
    assert_eq!(seen(&echo, "x-forwarded-proto"), ["http"]);
    assert_eq!(seen(&echo, "x-forwarded-for"), ["127.0.0.1"]);
    assert!(seen(&echo, "via")[0].starts_with("1.0 fred, 1.1 gateway-"), "{echo}");
}

#[tokio::test]
async fn forwarding_headers_of_own_proxies_are_kept() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("FORWARDED_HEADERS", "append")]);
    let request = Request::get(format!("http://{}/api/v1/echo", gateway.address()))
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "shop.example");
    let echo = send(request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(seen(&echo, "x-forwarded-for"), ["192.0.2.7, 127.0.0.1"]);
    assert_eq!(seen(&echo, "x-forwarded-proto"), ["https"]);
    assert_eq!(seen(&echo, "x-forwarded-host"), ["shop.example"]);
}

/// Otherwise a client could claim another address, or TLS.
#[tokio::test]
async fn forged_forwarding_headers_are_dropped() {
    let (_backend, gateway) = start();
    let request = Request::get(format!("http://{}/api/v1/echo", gateway.address()))
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "admin.internal")
        .header("x-forwarded-port", "1")
        .header("x-real-ip", "10.0.0.1")
        .header("forwarded", "for=10.0.0.1");
    let echo = send(request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(seen(&echo, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen(&echo, "x-forwarded-proto"), ["http"]);
    assert_eq!(seen(&echo, "x-forwarded-host"), [gateway.address().to_string()]);
    for name in ["x-forwarded-port", "x-real-ip", "forwarded"] {
        assert!(seen(&echo, name).is_empty(), "{echo}");
    }
}

#[tokio::test]
async fn hop_by_hop_headers_are_not_forwarded() {
    let (_backend, gateway) = start();
    let request = "GET /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close, x-secret\r\nX-Secret: 1\r\n\
                   Keep-Alive: timeout=5\r\nUpgrade: websocket\r\nProxy-Authorization: Basic eA==\r\n\
                   TE: gzip\r\nX-Kept: 1\r\n\r\n";
    let echo = body_of(&raw(gateway.address(), request).await);
    for name in ["connection", "x-secret", "keep-alive", "upgrade", "proxy-authorization", "te"] {
        assert!(seen(&echo, name).is_empty(), "{name}: {echo}");
    }
    assert_eq!(seen(&echo, "x-kept"), ["1"]);
}

/// Clients may use HTTP/2 with prior knowledge; backends get HTTP/1.1.
#[tokio::test]
async fn http2_clients_are_served() {
    let (backend, gateway) = start();
    let client = legacy::Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let uri = format!("http://{}/api/v1/echo?x=1", gateway.address());
    let request = Request::post(uri).header("te", "trailers").body(Body::from("some body")).unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!((response.version(), response.status()), (Version::HTTP_2, StatusCode::OK));
    let echo: Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!((&echo["body"], &echo["target"]), (&json!("some body"), &json!("/api/v1/echo?x=1")));
    assert_eq!(seen(&echo, "host"), [backend.address().to_string()]);
    assert_eq!(seen(&echo, "x-forwarded-host"), [gateway.address().to_string()]);
    assert!(seen(&echo, "via")[0].starts_with("2.0 gateway-"), "{echo}");
}

/// Over HTTP/2 a body would be a protocol error.
#[tokio::test]
async fn head_is_answered_without_body() {
    let (_backend, gateway) = start();
    for http2 in [false, true] {
        let client = legacy::Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        for (path, status) in [("/nope", 404), ("/api/v1/a/..%2fb", 400), ("/api/v1/json", 200)] {
            let uri = format!("http://{}{path}", gateway.address());
            let response = client.request(Request::head(uri).body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.is_empty(), "{path}: {body:?}");
        }
    }
}

#[tokio::test]
async fn expect_100_continue_is_forwarded_and_body_arrives() {
    let (_backend, gateway) = start();
    let mut connection = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "PUT /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
                Content-Length: 5\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    connection.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let echo = body_of(&answer);
    assert_eq!(echo["body"], "hello");
    assert_eq!(seen(&echo, "expect"), ["100-continue"], "{echo}");
}

#[tokio::test]
async fn trailers_are_forwarded_in_both_directions() {
    let (_backend, gateway) = start();
    let request = |path: &str| {
        format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTE: trailers\r\nTrailer: x-sum\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n"
        )
    };
    let echo = body_of(&raw(gateway.address(), &request("echo")).await);
    assert_eq!((&echo["body"], &echo["trailers"]), (&json!("hello"), &json!([["x-sum", "42"]])));
    let answer = raw(gateway.address(), &request("stream")).await;
    assert!(answer.contains("hello"), "{answer}");
    assert!(answer.ends_with("0\r\nx-sum: 42\r\n\r\n"), "{answer}");
}

/// Absolute form, another `Host`, an authority in the path, a path out of the prefix.
#[tokio::test]
async fn no_request_chooses_the_backend() {
    let (backend, gateway) = start();
    let other = Backend::start("other");
    let host = other.address();
    let targets = [
        format!("http://{host}/api/v1/echo"),
        format!("http://user@{host}/api/v1/echo"),
        "/api/v1/echo".to_owned(),
        format!("/api/v1//{host}/echo"),
        format!("/api/v1/@{host}/echo"),
        format!("/api/v1/http://{host}/echo"),
    ];
    for target in targets {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(gateway.address(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{target}: {answer}");
        let echo = body_of(&answer);
        assert_eq!(echo["backend"], "primary", "{target}");
        assert_eq!(seen(&echo, "host"), [backend.address().to_string()], "{target}");
    }
    let refused = [
        (format!("//{host}/api/v1/echo"), 404),
        (format!("http://{host}/other"), 404),
        ("*".to_owned(), 404),
        ("/api/v1".to_owned(), 404),
        ("/api/v10/echo".to_owned(), 404),
        ("/demo/fault".to_owned(), 404),
        ("/api/v1/../../demo/fault".to_owned(), 400),
        ("/api/v1/%2e%2E/%2e%2e/demo/fault".to_owned(), 400),
        ("/api/v1/..%2f..%2fdemo/fault".to_owned(), 400),
    ];
    for (target, status) in refused {
        let method = if target == "*" { "OPTIONS" } else { "GET" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(gateway.address(), &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
        assert!(answer.contains("x-served-by: gateway"), "{target}: {answer}");
    }
    let connect = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = raw(gateway.address(), &connect).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn loop_gets_508() {
    let (_backend, gateway) = start();
    let via = gateway.get("/api/v1/json").await.header("via").to_owned();
    let request = Request::get(format!("http://{}/api/v1/json", gateway.address())).header("via", &via);
    assert_eq!(send(request.body(Body::empty()).unwrap()).await.status, StatusCode::LOOP_DETECTED);
}
