//! Stacks over several endpoints: ours, and the usual ways without one.

use std::{future::ready, sync::Arc, time::Duration};

use http::StatusCode;
use mainstay_core::{BoxError, HeadOnly};
use mainstay_failover::{
    Endpoint, FailoverHandle,
    stack::{Standard, StandardSettings},
};
use mainstay_http::Http;
use tower::{
    ServiceExt,
    retry::{
        Policy, RetryLayer,
        budget::{Budget, TpsBudget},
    },
    service_fn,
    util::BoxCloneSyncService,
};

use super::copy;
use crate::{
    cell::Contestant,
    run::Client,
    server::{Req, Res, Server},
};

/// A client over several endpoints.
#[derive(Debug)]
pub struct FailoverClient {
    /// The stack.
    pub client: Client,
    /// The failover of Mainstay's stack.
    pub handle: Option<FailoverHandle>,
}

/// Builds one contestant over these endpoints, the primary first.
///
/// # Panics
/// If the settings are invalid.
#[must_use]
pub fn client(contestant: Contestant, servers: &[Server], settings: &StandardSettings) -> FailoverClient {
    let (servers, limit) = (servers.to_vec(), settings.attempt_timeout);
    let client = match contestant {
        Contestant::Naive => {
            BoxCloneSyncService::new(service_fn(move |request| in_order(servers.clone(), request, limit)))
        }
        Contestant::Omniscient => {
            BoxCloneSyncService::new(service_fn(move |request| knowing(servers.clone(), request)))
        }
        Contestant::Tower => tower(servers, limit),
        _ => return ours(&servers, settings),
    };
    FailoverClient { client, handle: None }
}

/// The standard stack.
fn ours(servers: &[Server], settings: &StandardSettings) -> FailoverClient {
    let names = ["primary", "backup", "third"];
    let endpoints = names.into_iter().zip(servers).map(|(name, server)| {
        let probed = server.clone();
        Endpoint::new(name, server.clone()).with_probe(move || probed.clone().probe())
    });
    let standard = Standard::new("scenario", endpoints, settings.clone()).expect("valid settings");
    let standard = standard.with_policy(HeadOnly(Http::new()));
    let handle = standard.handles().failover.clone();
    FailoverClient { client: BoxCloneSyncService::new(standard.build()), handle: Some(handle) }
}

/// A fallback without memory: each request goes to the primary, and to the next endpoint after an error or a timeout.
async fn in_order(servers: Vec<Server>, request: Req, limit: Duration) -> Result<Res, BoxError> {
    let mut last = Err("no endpoint".into());
    for server in servers {
        last = attempt(server, copy(&request), limit).await;
        if last.as_ref().is_ok_and(|response| !response.status().is_server_error()) {
            break;
        }
    }
    last
}

/// Sends each request to the first endpoint that works now, and once more if that fails.
async fn knowing(servers: Vec<Server>, request: Req) -> Result<Res, BoxError> {
    let works = servers.iter().filter(|server| server.works_at(server.now()));
    let mut order: Vec<_> = works.chain(servers.iter().rev()).take(2).cloned().collect();
    let (Some(second), Some(first)) = (order.pop(), order.pop()) else { return Err("one endpoint".into()) };
    let answer = first.oneshot(copy(&request)).await;
    match answer.as_ref().is_ok_and(|response| !response.status().is_server_error()) {
        true => answer,
        false => second.oneshot(request).await,
    }
}

/// Tower's retry with its budget, over attempts with a timeout that go to one endpoint after the other.
fn tower(servers: Vec<Server>, limit: Duration) -> Client {
    let attempts = service_fn(move |request: Req| {
        let number = request.extensions().get().map_or(0, |Attempt(number)| *number);
        attempt(servers[number % servers.len()].clone(), request, limit)
    });
    let policy = TowerPolicy { budget: Arc::new(TpsBudget::default()) };
    BoxCloneSyncService::new(tower::ServiceBuilder::new().layer(RetryLayer::new(policy)).service(attempts))
}

#[derive(Clone, Copy, Debug)]
struct Attempt(usize);

#[derive(Clone)]
struct TowerPolicy {
    budget: Arc<TpsBudget>,
}

impl Policy<Req, Res, BoxError> for TowerPolicy {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, request: &mut Req, result: &mut Result<Res, BoxError>) -> Option<Self::Future> {
        let number = request.extensions().get().map_or(0, |Attempt(number)| *number);
        if result.as_ref().is_ok_and(|response| !response.status().is_server_error()) {
            self.budget.deposit();
            return None;
        }
        if number >= 2 || !self.budget.withdraw() {
            return None;
        }
        request.extensions_mut().insert(Attempt(number + 1));
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        request.method().is_idempotent().then(|| copy(request))
    }
}

async fn attempt(server: Server, request: Req, limit: Duration) -> Result<Res, BoxError> {
    match tokio::time::timeout(limit, server.oneshot(request)).await {
        Ok(answer) => answer,
        Err(_) => Ok(crate::server::response(StatusCode::GATEWAY_TIMEOUT)),
    }
}
