//! Connections to backends: what their end says about a backend, and what a client gets.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpListener, time::timeout};

use crate::{
    client::{post, send, stream as exchange, until},
    gateway::{Gateway, PATIENT},
    process::TEST_TIMEOUT,
    scripted::{Reply, Scripted, ok, read_head},
};

/// Starts a gateway before a scripted primary and a backup that answers everything.
async fn start(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> (Scripted, Scripted, Gateway) {
    let primary = Scripted::start(script).await;
    let backup = Scripted::start(|_, _| Reply::Write(ok("backup"))).await;
    let settings = [("BACKEND_API_URL", &*primary.url()), ("BACKEND_API_FALLBACK_URL", &*backup.url())];
    let settings: Vec<_> = settings.into_iter().chain(PATIENT).collect();
    let gateway = Gateway::start(&settings);
    (primary, backup, gateway)
}

/// Checks that the primary is active and that nothing counts against it.
async fn assert_not_blamed(gateway: &Gateway) {
    let failover = gateway.status().await["failover"].clone();
    assert_eq!(failover["active"], "primary", "{failover:#}");
    assert_eq!(failover["endpoints"][0]["breaker"]["failures"], 0, "{failover:#}");
}

/// Defect: an idle connection that its backend had closed counted against the primary, and sent GETs to the backup.
#[tokio::test]
async fn stale_connection_blames_no_backend() {
    let answer_once = |_: &str, number| if number == 1 { Reply::Write(ok("primary")) } else { Reply::End(Vec::new()) };
    let (_primary, _backup, gateway) = start(answer_once).await;
    for _ in 0..10 {
        let answer = gateway.get("/api/v1/x").await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "primary"), "{answer:?}");
    }
    // Every second POST meets the connection that the one before has used.
    for expected in [StatusCode::OK, StatusCode::BAD_GATEWAY, StatusCode::OK, StatusCode::BAD_GATEWAY] {
        let answer = post(gateway.address(), "/api/v1/x", "hi").await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
    assert_not_blamed(&gateway).await;
}

/// The gateway closes before its backend does. At the default of 4 s a backend with 5 s meets no stale connection.
#[tokio::test]
async fn idle_connection_is_closed_by_the_gateway_at_the_pool_idle_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = Gateway::start(&[("BACKEND_API_URL", &*url), ("POOL_IDLE_SECONDS", "0.1")]);
    let backend = async {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let head = read_head(&mut connection).await;
            connection.write_all(&ok("")).await.unwrap();
            // Probes close their connections by themselves.
            if head.is_some_and(|head| head.starts_with("GET /api/v1/x ")) {
                return read_head(&mut connection).await;
            }
        }
    };
    let closed = async { timeout(TEST_TIMEOUT, backend).await.expect("it is closed") };
    let (answer, request) = tokio::join!(gateway.get("/api/v1/x"), closed);
    assert_eq!((answer.status, request), (StatusCode::OK, None));
}

/// Defect: the refusal was lost if the backend closed before the upload ended, and counted against the primary.
#[tokio::test]
async fn early_refusal_of_an_upload_reaches_the_client() {
    let refuse = |_: &str, _| {
        Reply::End(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge".into())
    };
    let (_primary, _backup, gateway) = start(refuse).await;
    for _ in 0..20 {
        let uri = format!("http://{}/api/v1/x", gateway.address());
        let upload = Request::post(uri).body(Body::from(vec![b'x'; 4 << 20])).unwrap();
        let answer = send(upload).await;
        assert_eq!(
            (answer.status, answer.served_by(), &*answer.body),
            (StatusCode::PAYLOAD_TOO_LARGE, "primary", "large")
        );
    }
    assert_not_blamed(&gateway).await;
}

/// An answer that breaks off must not look complete, over either version.
#[tokio::test]
async fn answer_that_breaks_off_breaks_off_for_the_client() {
    let whole: [&str; 4] = [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nno length\r\n",
        // Without a length, only a reset shows that it is not complete.
        "HTTP/1.1 200 OK\r\n\r\nabc",
    ];
    let script = move |head: &str, _| {
        let (path, number) = head.split(' ').nth(1).and_then(|path| path.rsplit_once('/')).unwrap();
        let bytes = whole[number.parse::<usize>().unwrap()].as_bytes().to_vec();
        if path.ends_with("reset") { Reply::Reset(bytes) } else { Reply::End(bytes) }
    };
    let (_primary, _backup, gateway) = start(script).await;
    for http2 in [false, true] {
        let client = legacy::Client::builder(TokioExecutor::new()).http2_only(http2).build_http::<Body>();
        for case in ["end/0", "end/1", "end/2", "reset/0", "reset/1", "reset/2", "reset/3"] {
            let uri = format!("http://{}/api/v1/{case}", gateway.address());
            // A reset may overtake the head of the answer.
            if let Ok(answer) = client.get(uri.parse().unwrap()).await
                && answer.status() == StatusCode::OK
                && answer.headers()["x-served-by"] == "primary"
            {
                assert!(answer.into_body().collect().await.is_err(), "{case}, HTTP/2: {http2}");
            }
        }
    }
}

/// Defect: an answer of more than 100 fields was an outage of every backend.
#[tokio::test]
async fn answer_over_a_limit_of_the_gateway_says_so_and_blames_no_backend() {
    let script = |head: &str, _| {
        let (fields, size) = match head.split('/').nth(3).and_then(|path| path.split(' ').next()) {
            Some("fields") => (300, 1),
            Some("size") => (1, 70_000),
            _ => (90, 600),
        };
        let fields = format!("x: {}\r\n", "y".repeat(size)).repeat(fields);
        Reply::Write(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{fields}\r\n").into_bytes())
    };
    let (_primary, _backup, gateway) = start(script).await;
    for _ in 0..3 {
        for case in ["fields", "size"] {
            let answer = gateway.get(&format!("/api/v1/{case}")).await;
            assert_eq!((answer.status, answer.served_by()), (StatusCode::BAD_GATEWAY, "gateway"), "{answer:?}");
            assert_eq!(answer.json()["type"], "urn:mainstay:problem:response_too_large", "{answer:?}");
        }
        let answer = gateway.get("/api/v1/long").await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "primary"), "{answer:?}");
    }
    assert_not_blamed(&gateway).await;
    let log = gateway.until_logged("MAX_RESPONSE_FIELDS").await;
    assert_eq!(log.matches("MAX_RESPONSE_FIELDS").count(), 1, "{log}");
}

/// Defect: a gateway without file descriptors declared its backends down.
#[tokio::test]
async fn gateway_without_file_descriptors_blames_no_backend() {
    without_file_descriptors("127.0.0.1").await;
}

/// Defect: so did one whose lookup of a name found no file descriptor. The system says that the name is not known.
#[tokio::test]
async fn gateway_without_file_descriptors_for_a_lookup_blames_no_backend() {
    without_file_descriptors("localhost").await;
}

async fn without_file_descriptors(host: &str) {
    // Each request needs a new connection to its backend.
    let primary = Scripted::start(|_, _| Reply::End(ok("primary"))).await;
    let backup = Scripted::start(|_, _| Reply::Write(ok("backup"))).await;
    let url = primary.url().replace("127.0.0.1", host);
    let settings = [("BACKEND_API_URL", &*url), ("BACKEND_API_FALLBACK_URL", &*backup.url())];
    let settings: Vec<_> = settings.into_iter().chain(PATIENT).collect();
    let mut gateway = Gateway::start(&settings);
    // The connection of this client stays open.
    let client = legacy::Client::builder(TokioExecutor::new()).build_http::<Body>();
    let address = gateway.address();
    let get = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}").parse().unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes())
    };
    assert_eq!(get("/api/v1/x").await.0, StatusCode::OK);
    gateway.process().limit_files(3);
    for _ in 0..3 {
        let (status, headers, body) = get("/api/v1/x").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers["retry-after"], "1");
        assert!(String::from_utf8_lossy(&body).contains("out_of_files"), "{body:?}");
    }
    // Probes are not sent either, more often than would make the gateway leave the primary.
    until("three probes were not sent", async || {
        let status: Value = serde_json::from_slice(&get("/status.json").await.2).unwrap();
        (status["failover"]["endpoints"][0]["probes_failed"].as_u64().unwrap() >= 3).then_some(())
    })
    .await;
    gateway.process().limit_files(1_000);
    assert_eq!(get("/api/v1/x").await.0, StatusCode::OK);
    // A new connection: the gateway accepts again.
    let failover = gateway.status().await["failover"].clone();
    assert_eq!((&failover["active"], &failover["epoch"]), (&json!("primary"), &json!(0)), "{failover:#}");
    assert_eq!(failover["endpoints"][0]["breaker"]["failures"], 0, "{failover:#}");
    let log = gateway.until_logged("ulimit").await;
    assert_eq!(log.matches("ulimit").count(), 1, "{log}");
}

/// Defect: an answer that was cut in the middle was in no log.
#[tokio::test]
async fn answer_that_breaks_off_is_logged_once_for_each_cause() {
    let part = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart".to_vec();
    let backend = Scripted::start(move |head, _| match head.contains("/pause") {
        true => Reply::Write(part.clone()),
        false => Reply::End(part.clone()),
    })
    .await;
    let gateway = Gateway::start(&[("BACKEND_API_URL", &*backend.url()), ("BODY_IDLE_SECONDS", "0.1")]);
    for path in ["/pause", "/end", "/pause", "/end"] {
        let uri = format!("http://{}/api/v1{path}", gateway.address());
        let answer = exchange(Request::get(uri).body(Body::empty()).unwrap()).await;
        assert!(answer.into_body().collect().await.is_err(), "{path}: the client can tell");
    }
    gateway.until_logged("BODY_IDLE_SECONDS and was broken off").await;
    let log = gateway.until_logged("ended before the answer did").await;
    assert_eq!(
        (log.matches("BODY_IDLE_SECONDS").count(), log.matches("before the answer did").count()),
        (1, 1),
        "{log}"
    );
    assert!(log.contains("endpoint=primary"), "{log}");
}
