//! The standard stack with the policy `Http`: what `Retry-After` and statuses that speak of the caller do.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use mainstay_failover::{
    Endpoint, FailoverState,
    stack::{Standard, StandardHandles, StandardSettings},
};
use mainstay_http::Http;
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A server with a few bad routes, which answers every other request with one status.
#[derive(Clone, Default)]
struct Server(Arc<(AtomicU16, AtomicUsize)>);

impl Server {
    fn set(&self, status: StatusCode) {
        self.0.0.store(status.as_u16(), SeqCst);
    }

    fn calls(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    async fn answer(
        self,
        request: Request<String>,
        retry_after: Option<&'static str>,
    ) -> Result<Response<String>, Infallible> {
        self.0.1.fetch_add(1, SeqCst);
        let status = match (request.uri().path(), self.0.0.load(SeqCst)) {
            ("/slow", _) => {
                sleep(3 * SECOND).await;
                StatusCode::OK
            }
            ("/broken", _) => StatusCode::INTERNAL_SERVER_ERROR,
            ("/stalled", _) => StatusCode::REQUEST_TIMEOUT,
            ("/large", _) => StatusCode::PAYLOAD_TOO_LARGE,
            (_, 0) => StatusCode::OK,
            (_, status) => StatusCode::from_u16(status).unwrap(),
        };
        let mut response = Response::new(String::new());
        *response.status_mut() = status;
        if let Some(seconds) = retry_after.filter(|_| !status.is_success()) {
            response.headers_mut().insert("retry-after", seconds.parse().unwrap());
        }
        Ok(response)
    }
}

/// The stack over servers whose probes are good throughout, or over one server without a probe.
fn stack(
    servers: &[Server],
    retry_after: Option<&'static str>,
    change: impl FnOnce(&mut StandardSettings),
) -> (impl Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone, StandardHandles) {
    let endpoints = ["primary", "backup"].into_iter().zip(servers).map(|(name, server)| {
        let server = server.clone();
        let service = service_fn(move |request| server.clone().answer(request, retry_after));
        let endpoint = Endpoint::new(name, service);
        if servers.len() > 1 { endpoint.with_probe(|| async { true }) } else { endpoint }
    });
    let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
    change(&mut settings);
    let stack = Standard::new("orders", endpoints, settings).unwrap().with_policy(Http::new());
    let handles = stack.handles().clone();
    (stack.build(), handles)
}

async fn get(
    stack: &(impl Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone),
) -> Result<StatusCode, BoxError> {
    stack.clone().oneshot(Request::new(String::new())).await.map(|response| response.status())
}

/// Defect: a server that asked for an hour set the hold of its endpoint to 3,000 s, with good probes throughout.
#[tokio::test(start_paused = true)]
async fn retry_after_of_the_primary_changes_no_hold() {
    for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::INTERNAL_SERVER_ERROR] {
        let servers = [Server::default(), Server::default()];
        let (stack, handles) = stack(&servers, Some("3600"), |_| {});
        servers[0].set(status);
        // Good probes keep the primary; the rate of compared requests leaves it.
        while handles.failover.snapshot().state == FailoverState::OnPrimary {
            get(&stack).await.unwrap();
            sleep(SECOND / 5).await;
        }
        let left = Instant::now();
        let hold = handles.failover.snapshot().endpoints[0].hold_left.unwrap();
        assert!(hold <= 30 * SECOND, "{status}: {hold:?}");
        servers[0].set(StatusCode::OK);
        handles.failover.watch().wait_for(|state| *state == FailoverState::OnPrimary).await.unwrap();
        assert!(left.elapsed() <= 31 * SECOND, "{status}: {:?}", left.elapsed());
    }
}

/// The same of an endpoint that recovers by trial calls.
#[tokio::test(start_paused = true)]
async fn retry_after_of_the_only_endpoint_changes_no_open_time() {
    let servers = [Server::default()];
    let (stack, handles) = stack(&servers, Some("3600"), |settings| settings.retry.max_attempts = 1);
    servers[0].set(StatusCode::INTERNAL_SERVER_ERROR);
    for _ in 0..3 {
        assert_eq!(get(&stack).await.unwrap(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(handles.failover.snapshot().state, FailoverState::AllDown);
    sleep(SECOND).await;
    assert_eq!(get(&stack).await.unwrap(), StatusCode::INTERNAL_SERVER_ERROR, "a trial call");
    servers[0].set(StatusCode::OK);
    sleep(2 * SECOND).await;
    assert_eq!(get(&stack).await.unwrap(), StatusCode::OK, "the next trial call, after 1 s and jitter");
}

/// Defect: with the requests of one client to such routes, both healthy endpoints were left.
#[tokio::test(start_paused = true)]
async fn one_client_takes_no_healthy_endpoint_out() {
    let clients: [(&str, Method, usize); 4] = [
        ("/slow", Method::GET, 6),
        ("/broken", Method::POST, 18),
        ("/stalled", Method::POST, 6),
        ("/large", Method::PUT, 11),
    ];
    for (path, method, requests) in clients {
        let servers = [Server::default(), Server::default()];
        let (stack, handles) = stack(&servers, None, |_| {});
        let good = async {
            for _ in 0..1_000 {
                assert_eq!(get(&stack).await.unwrap(), StatusCode::OK);
                sleep(SECOND / 50).await;
            }
        };
        let bad = async {
            for _ in 0..requests {
                let request = Request::builder().method(&method).uri(path).body("body".to_owned()).unwrap();
                // The client gives up after 1.2 s.
                let _ = timeout(SECOND * 6 / 5, stack.clone().oneshot(request)).await;
            }
        };
        tokio::join!(good, bad);
        let snapshot = handles.failover.snapshot();
        assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0), "{path}: {snapshot}");
    }
}

/// A limit is for the caller: the backup must not answer in place of the primary, unless that is set.
#[tokio::test(start_paused = true)]
async fn backup_answers_a_rate_limited_request_only_if_that_is_set() {
    for on_rate_limited in [false, true] {
        let servers = [Server::default(), Server::default()];
        let (stack, handles) = stack(&servers, None, |settings| {
            settings.failover.second_attempt.as_mut().unwrap().on_rate_limited = on_rate_limited;
        });
        servers[0].set(StatusCode::TOO_MANY_REQUESTS);
        let (expected, backup_calls) =
            if on_rate_limited { (StatusCode::OK, 5) } else { (StatusCode::TOO_MANY_REQUESTS, 0) };
        for _ in 0..5 {
            assert_eq!(get(&stack).await.unwrap(), expected);
        }
        assert_eq!(servers[1].calls(), backup_calls, "retries included, {on_rate_limited}");
        assert_eq!(handles.failover.snapshot().state, FailoverState::OnPrimary);
    }
}

/// A 503 says that the server is too busy: the backup answers, by the second attempt.
#[tokio::test(start_paused = true)]
async fn backup_answers_a_request_that_an_overloaded_primary_refuses() {
    let servers = [Server::default(), Server::default()];
    let (stack, handles) = stack(&servers, Some("3600"), |_| {});
    servers[0].set(StatusCode::SERVICE_UNAVAILABLE);
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(get(&stack).await.unwrap(), StatusCode::OK);
    }
    assert_eq!((servers[0].calls(), servers[1].calls(), start.elapsed()), (3, 3, Duration::ZERO));
    assert_eq!(handles.retry.snapshot().retries, 0);
}
