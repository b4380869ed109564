//! The registry as `grpc.health.v1`.

use std::pin::Pin;

use futures_util::{Stream, stream::unfold};
use mainstay_drain::{Drain, Phase};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{self, HealthServer},
};

use crate::{check_state::CheckState, health::Health, view::Scope};

/// The implementation of `grpc.health.v1.Health`, created by [`Health::grpc`].
#[derive(Clone, Debug)]
pub struct GrpcHealth(Health);

/// One `Watch` call.
struct Watcher {
    health: Health,
    service: String,
    changes: watch::Receiver<Vec<CheckState>>,
    sent: Option<ServingStatus>,
}

type Responses = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

// === impl Health ===

impl Health {
    /// Returns the registry as a gRPC service: `""` is the process, any other name the
    /// [group](crate::HealthBuilder::group) of that name. The status is `SERVING` while `/ready` responds 200: it depends
    /// on critical checks, startup and the drain.
    ///
    /// Once a drain has begun, every service is `NOT_SERVING`. Open `Watch` calls end when the drain closes connections,
    /// so that they do not delay the exit.
    #[must_use]
    pub fn grpc(&self) -> HealthServer<GrpcHealth> {
        HealthServer::new(GrpcHealth(self.clone()))
    }
}

// === impl GrpcHealth ===

#[tonic::async_trait]
impl health_server::Health for GrpcHealth {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match status(&self.0, &request.get_ref().service) {
            ServingStatus::ServiceUnknown => Err(Status::not_found("unknown service")),
            status => Ok(Response::new(response(status))),
        }
    }

    type WatchStream = Responses;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Responses>, Status> {
        let watcher = Watcher {
            health: self.0.clone(),
            service: request.into_inner().service,
            changes: self.0.changes(),
            sent: None,
        };
        let responses = unfold(watcher, |mut watcher| async {
            let status = watcher.next().await?;
            Some((Ok(response(status)), watcher))
        });
        Ok(Response::new(Box::pin(responses)))
    }
}

// === impl Watcher ===

impl Watcher {
    /// Returns the first status at once, then each change; `None` when the drain closes connections.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            // Everything that can change the status is read before the status: a change after this ends the wait below.
            self.changes.mark_unchanged();
            let drain = self.health.registry().drain.as_ref();
            let phase = drain.map_or(Phase::Serving, Drain::phase);
            let expiry = self.health.view(Scope::All).next_expiry();
            let now = status(&self.health, &self.service);
            if self.sent != Some(now) {
                self.sent = Some(now);
                return Some(now);
            }
            if phase >= Phase::Closing {
                return None;
            }
            let next_phase = if phase == Phase::Serving { Phase::Announced } else { Phase::Closing };
            tokio::select! {
                _ = self.changes.changed() => {}
                () = self.health.registry().drain_reached(next_phase) => {}
                () = at(expiry) => {}
            }
        }
    }
}

/// Waits until this time, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn status(health: &Health, service: &str) -> ServingStatus {
    let scope = match service {
        "" => Some(Scope::All),
        group => health.scope(group),
    };
    match scope.map(|scope| health.view(scope).not_ready()) {
        None => ServingStatus::ServiceUnknown,
        Some(None) => ServingStatus::Serving,
        Some(Some(_)) => ServingStatus::NotServing,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
