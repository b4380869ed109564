//! Stacks of many client processes over one server.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::{BoxError, HeadOnly, Random, Rejected};
use mainstay_http::Http;
use mainstay_retry::RetryLayer;
use mainstay_timeout::TimeoutLayer;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt,
    limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer,
    retry::{
        Policy, RetryLayer as TowerRetryLayer,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
        budget::{Budget, TpsBudget},
    },
    service_fn,
    timeout::TimeoutLayer as TowerTimeoutLayer,
    util::{BoxCloneSyncService, rng::Rng},
};

use super::copy;
use crate::{
    cell::Contestant,
    run::Client,
    server::{Req, Res, Server, response},
};

/// The policy of our stacks.
pub(crate) const POLICY: HeadOnly<Http> = HeadOnly(Http::new());
/// Attempts of one request, the first included, for the contestants with fixed attempts.
const ATTEMPTS: u32 = 4;

/// Builds the stacks of all client processes. Each is independent of the others.
#[must_use]
pub fn fleet(contestant: Contestant, clients: usize, server: &Server, attempt: Duration, seed: u64) -> Vec<Client> {
    let entrance = match contestant {
        Contestant::OursServer => guarded(server.clone()),
        _ => BoxCloneSyncService::new(server.clone()),
    };
    let build = |number| match contestant {
        Contestant::Naive => naive(entrance.clone(), attempt),
        Contestant::Tower => tower(entrance.clone(), attempt, seed.wrapping_add(number as u64)),
        Contestant::Omniscient => knowing(server.clone(), attempt),
        Contestant::Peer(peer) => (peer.build)(entrance.clone(), Some(attempt)),
        Contestant::Ours => {
            let breaker = CircuitBreakerLayer::new("client").with_policy(POLICY);
            ours(BoxCloneSyncService::new(breaker.layer(guarded_attempts(entrance.clone(), attempt))))
        }
        _ => ours(guarded_attempts(entrance.clone(), attempt)),
    };
    (0..clients).map(build).collect()
}

/// Retry with its budget, with their defaults.
fn ours(inner: Client) -> Client {
    BoxCloneSyncService::new(RetryLayer::new("client").with_policy(POLICY).layer(inner))
}

/// Bulkhead with its default limit, attempt timeout.
fn guarded_attempts(entrance: Client, attempt: Duration) -> Client {
    let stack = ServiceBuilder::new()
        .layer(BulkheadLayer::with(limit("client", LimitSettings::default())).with_policy(POLICY))
        .layer(TimeoutLayer::attempt("client", attempt).expect("a valid timeout"));
    BoxCloneSyncService::new(stack.service(entrance))
}

/// Retry alone, for the scenarios that count attempts.
#[must_use]
pub fn retrying(contestant: Contestant, inner: Client, seed: u64) -> Client {
    match contestant {
        Contestant::Naive => {
            BoxCloneSyncService::new(service_fn(move |request| fixed_attempts(inner.clone(), request)))
        }
        Contestant::Tower => BoxCloneSyncService::new(TowerRetryLayer::new(TowerRetries::new(seed)).layer(inner)),
        Contestant::Omniscient => inner,
        Contestant::Peer(peer) => (peer.build)(inner, None),
        _ => ours(inner),
    }
}

/// A server with a bulkhead at its entrance: as many requests as workers, and a short queue. The connection's task goes
/// on when a client goes away.
fn guarded(server: Server) -> Client {
    let workers = server.workers();
    let max_wait = Some(Duration::from_millis(500));
    let settings = LimitSettings { limit: workers, queue: 5 * workers, max_wait, ..LimitSettings::default() };
    let service = BulkheadLayer::with(limit("server", settings)).with_policy(POLICY).layer(server);
    BoxCloneSyncService::new(service_fn(move |request: Req| {
        let service = service.clone();
        let task = tokio::spawn(async move { service.oneshot(request).await });
        async move {
            let answer: Result<Res, BoxError> = task.await?;
            match answer {
                Err(error) if error.is::<Rejected>() => Ok(response(StatusCode::SERVICE_UNAVAILABLE)),
                answer => answer,
            }
        }
    }))
}

fn limit(name: &'static str, settings: LimitSettings) -> Limit {
    Limit::with_settings(name, settings).expect("a valid limit")
}

/// Four attempts with a timeout, 100 ms apart.
fn naive(entrance: Client, attempt: Duration) -> Client {
    let timed = TowerTimeoutLayer::new(attempt).layer(entrance);
    BoxCloneSyncService::new(service_fn(move |request| fixed_attempts(timed.clone(), request)))
}

async fn fixed_attempts<S>(service: S, request: Req) -> Result<Res, BoxError>
where
    S: Service<Req, Response = Res, Error = BoxError> + Clone,
{
    let mut number = 1;
    loop {
        let answer = service.clone().oneshot(copy(&request)).await;
        if is_good(&answer) || number == ATTEMPTS {
            return answer;
        }
        number += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Tower's retry with budget and backoff, load shedding above a limit, and timeout.
fn tower(entrance: Client, attempt: Duration, seed: u64) -> Client {
    let stack = ServiceBuilder::new()
        .layer(TowerRetryLayer::new(TowerRetries::new(seed)))
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(100))
        .layer(TowerTimeoutLayer::new(attempt));
    BoxCloneSyncService::new(stack.service(entrance))
}

/// Sends a request only if the server can answer it within the attempt's time, and never twice.
fn knowing(server: Server, attempt: Duration) -> Client {
    BoxCloneSyncService::new(service_fn(move |request: Req| {
        let server = server.clone();
        async move {
            if server.expected_wait() > attempt.mul_f64(0.8) {
                return Ok(response(StatusCode::SERVICE_UNAVAILABLE));
            }
            match tokio::time::timeout(attempt, server.oneshot(request)).await {
                Ok(answer) => answer,
                Err(_) => Ok(response(StatusCode::GATEWAY_TIMEOUT)),
            }
        }
    }))
}

/// Whether the caller is content.
pub(crate) fn is_good(answer: &Result<Res, BoxError>) -> bool {
    answer.as_ref().is_ok_and(|response| !response.status().is_server_error())
}

/// Tower's budget with its defaults, and its exponential backoff from 100 ms to 20 s.
#[derive(Clone)]
pub(crate) struct TowerRetries {
    budget: Option<Arc<TpsBudget>>,
    backoff: ExponentialBackoff<Draws>,
    left: u32,
}

/// A random source for Tower. Its clones repeat each other, as those of Tower's own do.
#[derive(Clone, Debug)]
struct Draws(u64);

// === impl TowerRetries ===

impl TowerRetries {
    fn new(seed: u64) -> Self {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(20));
        let mut maker = ExponentialBackoffMaker::new(min, max, 1.0, Draws(seed)).expect("a valid backoff");
        Self { budget: Some(Arc::new(TpsBudget::default())), backoff: maker.make_backoff(), left: ATTEMPTS - 1 }
    }

    /// As many attempts as needed, with this backoff.
    pub(crate) fn unlimited(min: Duration, max: Duration, seed: u64) -> Self {
        let mut maker = ExponentialBackoffMaker::new(min, max, 1.0, Draws(seed)).expect("a valid backoff");
        Self { budget: None, backoff: maker.make_backoff(), left: u32::MAX }
    }
}

impl Policy<Req, Res, BoxError> for TowerRetries {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, _: &mut Req, result: &mut Result<Res, BoxError>) -> Option<Self::Future> {
        if is_good(result) {
            self.budget.as_ref().inspect(|budget| budget.deposit());
            return None;
        }
        if self.left == 0 || self.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(copy(request))
    }
}

// === impl Draws ===

impl Rng for Draws {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        (Random::seeded(self.0).unit() * u64::MAX as f64) as u64
    }
}
