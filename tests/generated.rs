//! A client as `tonic-prost-build` generates it (that of `grpc.health.v1`), over our layers and real sockets: what
//! refusals and errors of the connection look like to its caller.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    error::Error as _,
    io,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, State};
use mainstay_core::{Classify, FailureKind, Outcome, Repeat};
use mainstay_http::{
    ContextHeaders, ForwardContextLayer, Grpc, GrpcError, GrpcStatusLayer, ReadContextLayer, RejectionLayer,
};
use mainstay_timeout::TimeoutLayer;
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    client::GrpcService,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
use tonic_types::StatusExt as _;
use tower::{Service, ServiceBuilder};

type Answer = Result<Response<HealthCheckResponse>, Status>;

/// A server with a breaker and a limit, until the test ends.
struct Place {
    address: SocketAddr,
    breaker: Breaker,
    limit: Limit,
    task: JoinHandle<()>,
}

impl Place {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (breaker, limit) = (Breaker::new("server"), Limit::new("server", 1).unwrap());
        let layers = ServiceBuilder::new()
            .layer(RejectionLayer::grpc())
            .layer(CircuitBreakerLayer::with(breaker.clone()).with_policy(Grpc::new()))
            .layer(BulkheadLayer::with(limit.clone()).with_policy(Grpc::new()));
        let (_, health) = tonic_health::server::health_reporter();
        let server = Server::builder().layer(layers).add_service(health);
        let task = tokio::spawn(async { server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap() });
        Self { address, breaker, limit, task }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

async fn check<T>(channel: T) -> Answer
where
    T: GrpcService<Body, ResponseBody = Body>,
{
    check_within(channel, Duration::from_secs(20)).await
}

async fn check_within<T>(channel: T, time: Duration) -> Answer
where
    T: GrpcService<Body, ResponseBody = Body>,
{
    let mut request = Request::new(HealthCheckRequest::default());
    request.set_timeout(time);
    HealthClient::new(channel).check(request).await
}

fn outcome(answer: &Answer) -> Outcome {
    Grpc::new().classify(answer.as_ref())
}

/// The two ways to have statuses of a stack: a layer around it, or a typed error in all of it.
async fn check_both(breaker: &Breaker, address: SocketAddr) -> [Status; 2] {
    let layer = || CircuitBreakerLayer::with(breaker.clone()).with_policy(Grpc::new());
    let mapped = ServiceBuilder::new().layer(GrpcStatusLayer::new()).layer(layer()).service(channel(address));
    let typed = ServiceBuilder::new().layer(layer().with_error::<GrpcError>()).service(channel(address));
    [check(mapped).await.unwrap_err(), check(typed).await.unwrap_err()]
}

#[tokio::test]
async fn refusals_of_a_server_say_when_to_come_again() {
    let place = Place::open().await;
    check(channel(place.address)).await.unwrap();

    let permit = place.limit.try_acquire().unwrap();
    let full = check(channel(place.address)).await.unwrap_err();
    assert_eq!((full.code(), full.get_details_retry_info().is_none()), (Code::ResourceExhausted, true), "{full:?}");
    drop(permit);

    place.breaker.trip("test");
    let open = check(channel(place.address)).await;
    let status = open.as_ref().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    let pushback: u64 = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap().parse().unwrap();
    assert!(wait > Duration::ZERO && Duration::from_millis(pushback) >= wait, "{wait:?} {pushback} ms");
    let after = Repeat::After(Duration::from_millis(pushback));
    assert_eq!(outcome(&open), Outcome::failure(FailureKind::Unavailable).with_repeat(after));
    assert!(!status.message().contains("server:"), "names are for logs: {status:?}");
}

#[tokio::test]
async fn refusals_of_a_client_have_their_code_and_their_words() {
    let place = Place::open().await;
    let breaker = Breaker::new("orders");
    breaker.trip("test");
    for status in check_both(&breaker, place.address).await {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        assert_eq!(outcome(&Err(status)).class(), mainstay_core::Class::Rejected);
    }
    // Without either, tonic knows no code for it. It is still read as a refusal.
    let bare = CircuitBreakerLayer::with(breaker).with_policy(Grpc::new());
    let bare = check(ServiceBuilder::new().layer(bare).service(channel(place.address))).await;
    assert_eq!(outcome(&bare).class(), mainstay_core::Class::Rejected);
    let bare = bare.unwrap_err();
    assert!(bare.code() == Code::Unknown && bare.message().starts_with("orders: circuit open"), "{bare:?}");
}

#[tokio::test]
async fn a_connection_that_is_refused_is_told_in_its_own_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for status in check_both(&Breaker::new("orders"), nobody).await {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let root = std::iter::successors(status.source(), |cause| (*cause).source()).last().unwrap();
        let refused = root.downcast_ref::<io::Error>().unwrap();
        assert!(status.message().ends_with(&refused.to_string()), "{status:?}");
        assert_eq!(outcome(&Err(status)), Outcome::failure(FailureKind::Network));
    }
}

/// Tonic alone says `CANCELLED`.
#[tokio::test]
async fn a_deadline_that_passes_is_called_by_its_name() {
    // It never accepts.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = channel(listener.local_addr().unwrap());
    let mapped = ServiceBuilder::new().layer(GrpcStatusLayer::new()).service(channel.clone());
    let time = Duration::from_millis(30);
    assert_eq!(check_within(channel, time).await.unwrap_err().code(), Code::Cancelled);
    let late = check_within(mapped, time).await;
    assert_eq!(outcome(&late), Outcome::failure(FailureKind::Timeout));
    assert_eq!(late.unwrap_err().code(), Code::DeadlineExceeded);
}

/// Tonic's channel enforces `grpc-timeout` too. That some callers leave a server no time is not its failure.
#[tokio::test]
async fn callers_who_cannot_wait_do_not_open_the_breaker_for_all() {
    // It never accepts.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() };
    let breaker = Breaker::with_settings("orders", settings).unwrap();
    let stack = ServiceBuilder::new()
        .layer(GrpcStatusLayer::new())
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        .layer(TimeoutLayer::total("orders", Duration::from_secs(20)).unwrap().with_policy(Grpc::new()))
        .layer(CircuitBreakerLayer::with(breaker.clone()).with_policy(Grpc::new()))
        .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
        .service(channel(listener.local_addr().unwrap()));
    for _ in 0..6 {
        let late = check_within(stack.clone(), Duration::from_millis(30)).await.unwrap_err();
        assert_eq!(late.code(), Code::DeadlineExceeded, "{late:?}");
    }
    assert_eq!((breaker.state(), breaker.snapshot().failures), (State::Closed, 0));
}

/// A generated client makes `UNKNOWN` of whatever `poll_ready` says.
#[tokio::test]
async fn an_error_of_poll_ready_is_that_of_the_call() {
    #[derive(Clone)]
    struct Broken;

    impl Service<http::Request<Body>> for Broken {
        type Response = http::Response<Body>;
        type Error = io::Error;
        type Future = std::future::Pending<io::Result<Self::Response>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            std::future::pending()
        }
    }

    assert_eq!(check(Broken).await.unwrap_err().code(), Code::Unknown);
    let status = check(ServiceBuilder::new().layer(GrpcStatusLayer::new()).service(Broken)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "broken pipe"));
}
