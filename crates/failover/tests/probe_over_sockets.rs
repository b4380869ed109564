//! The HTTP, the TCP and the gRPC probe over real sockets.
#![cfg(all(feature = "http-probe", feature = "tcp-probe", feature = "tonic"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::{HeaderName, HeaderValue};
use mainstay_failover::{
    Probe, ProbeOutcome,
    probe::{TcpProbe, grpc::GrpcProbe},
};
use mainstay_http::probe::{HttpProbe, HttpProbeSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that answers each path with a canned response, and notes the requests.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: fn(&str) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let noted = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, noted.clone()));
            }
        });
        Self { address, requests }
    }

    fn probe(&self, path: &str) -> HttpProbe {
        HttpProbe::new(&format!("http://{}{path}", self.address)).unwrap()
    }
}

async fn serve(mut stream: TcpStream, answer: fn(&str) -> String, noted: Arc<Mutex<Vec<String>>>) {
    let (mut buffer, mut request) = ([0; 4096], String::new());
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        request.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if request.ends_with("\r\n\r\n") {
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            noted.lock().unwrap().push(std::mem::take(&mut request));
            stream.write_all(answer(&path).as_bytes()).await.unwrap();
        }
    }
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn canned(path: &str) -> String {
    match path {
        "/ok" => response(200, "", "orders v7"),
        "/busy" => response(429, "", ""),
        "/not-ready" => response(503, "", ""),
        "/not-found" => response(404, "", ""),
        "/moved" => response(302, "location: /ok\r\n", ""),
        "/round" => response(302, "location: /round\r\n", ""),
        "/https" => response(301, "location: https://127.0.0.1/ok\r\n", ""),
        "/out" => response(200, "x-out: moving house\r\n", ""),
        "/large" => response(200, "", &"x".repeat(200_000)),
        _ => "nonsense\r\n\r\n".to_owned(),
    }
}

#[tokio::test]
async fn http_probe_maps_responses_to_outcomes() {
    let server = Server::start(canned).await;
    let probe = |path: &'static str| server.probe(path).probe();
    assert_eq!(probe("/ok").await, ProbeOutcome::Healthy);
    assert_eq!(probe("/moved").await, ProbeOutcome::Healthy);
    assert_eq!(probe("/busy").await, ProbeOutcome::Overloaded);
    assert_eq!(probe("/not-ready").await, ProbeOutcome::unhealthy("status 503 Service Unavailable"));
    assert_eq!(probe("/not-found").await, ProbeOutcome::unhealthy("status 404 Not Found"));
    assert_eq!(probe("/round").await, ProbeOutcome::unhealthy("more than 5 redirects"));
    assert_eq!(probe("/https").await, ProbeOutcome::unhealthy("a redirect to another scheme"));
    assert!(!probe("/nonsense").await.is_healthy());
    assert_eq!(probe("/large").await, ProbeOutcome::Healthy, "a large body is not read to its end");
}

#[tokio::test]
async fn http_probe_checks_expected_body_and_out_header() {
    let server = Server::start(canned).await;
    let expecting = |path: &str, text: &str| {
        let settings = HttpProbeSettings { expected_body: Some(text.into()), ..Default::default() };
        server.probe(path).with_settings(settings).probe()
    };
    assert_eq!(expecting("/ok", "orders").await, ProbeOutcome::Healthy);
    let other = expecting("/ok", "customers").await;
    assert_eq!(other, ProbeOutcome::unhealthy("the body does not contain the expected text"));
    assert!(!expecting("/large", "xyz").await.is_healthy());
    let out_header = Some(HeaderName::from_static("x-out"));
    let settings = HttpProbeSettings { out_header, ..Default::default() };
    let out = server.probe("/out").with_settings(settings).probe().await;
    assert_eq!(out, ProbeOutcome::Out { reason: "moving house".into() });
}

#[tokio::test]
async fn http_probe_sends_loop_guard_and_reuses_its_connection() {
    let server = Server::start(canned).await;
    let probe = server.probe("/ok").with_loop_guard(|| HeaderValue::from_static("gateway-7"));
    assert!(probe.probe().await.is_healthy() && probe.probe().await.is_healthy());
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].starts_with("GET /ok HTTP/1.1\r\n") && requests[0].contains("mainstay-hop: gateway-7\r\n"));
}

#[tokio::test]
async fn headers_are_not_sent_to_another_host_after_a_redirect() {
    let target = Server::start(canned).await;
    static TARGET: Mutex<Option<SocketAddr>> = Mutex::new(None);
    *TARGET.lock().unwrap() = Some(target.address);
    let server = Server::start(|_| {
        let target = TARGET.lock().unwrap().unwrap();
        response(302, &format!("location: http://{target}/ok\r\n"), "")
    })
    .await;
    let secret = (HeaderName::from_static("authorization"), HeaderValue::from_static("secret"));
    assert!(server.probe("/").with_header(secret.0, secret.1).probe().await.is_healthy());
    assert!(server.requests.lock().unwrap()[0].contains("authorization: secret"));
    assert!(!target.requests.lock().unwrap()[0].contains("secret"));
}

#[tokio::test]
async fn closed_port_is_unhealthy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(TcpProbe::from(address).probe().await, ProbeOutcome::Healthy);
    drop(listener);
    assert!(!TcpProbe::from(address).probe().await.is_healthy());
    assert!(!HttpProbe::new(&format!("http://{address}/ok")).unwrap().probe().await.is_healthy());
    assert!(!TcpProbe::new("no such name:1").probe().await.is_healthy());
    assert!(!TcpProbe::new("no port").probe().await.is_healthy());
}

#[tokio::test]
async fn grpc_probe_reports_the_status_of_its_service() {
    let (reporter, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = tonic::transport::Server::builder().add_service(health).serve(address);
    let server = tokio::spawn(server);
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let whole = GrpcProbe::new(channel.clone(), "");
    while !whole.probe().await.is_healthy() {
        tokio::task::yield_now().await;
    }
    let orders = GrpcProbe::new(channel, "orders");
    assert!(orders.probe().await.to_string().contains("NotFound"));
    reporter.set_service_status("orders", tonic_health::ServingStatus::NotServing).await;
    assert_eq!(orders.probe().await, ProbeOutcome::unhealthy("NOT_SERVING"));
    reporter.set_service_status("orders", tonic_health::ServingStatus::Serving).await;
    assert_eq!(orders.probe().await, ProbeOutcome::Healthy);
    server.abort();
}

/// Warm standby: a probe through the client of the requests keeps a connection to an idle backup.
#[tokio::test]
async fn probe_through_the_client_of_requests_opens_no_second_connection() {
    use bytes::Bytes;
    use http_body_util::Full;
    use tower::ServiceExt;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(Mutex::new(0));
    let counted = accepted.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            tokio::spawn(serve(stream, canned, Arc::default()));
        }
    });
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build_http::<Full<Bytes>>();
    let url = format!("http://{address}/ok");
    let probe = HttpProbe::with_client(&url, client.clone()).unwrap();
    assert!(probe.probe().await.is_healthy());
    let request = http::Request::get(&url).body(Full::new(Bytes::new())).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(*accepted.lock().unwrap(), 1);
}
