//! The registry as `grpc.health.v1`.

use std::pin::Pin;

use futures_util::{Stream, stream::unfold};
use mainstay_drain::{Drain, Phase};
use tokio::{sync::watch, time::sleep_until};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{self, HealthServer},
};

use crate::{Health, record::Record, view::Scope};

/// The registry behind `grpc.health.v1.Health`; made by [`Health::grpc`].
#[derive(Clone, Debug)]
pub struct GrpcHealth(Health);

/// One `Watch` call.
struct Watcher {
    health: Health,
    service: String,
    changes: watch::Receiver<Vec<Record>>,
    sent: Option<ServingStatus>,
}

type Responses = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

// === impl Health ===

impl Health {
    /// The registry as a gRPC service: `""` is the process, any other name the [group](crate::HealthBuilder::group) of
    /// that name. A service serves while `/ready` would say so: critical checks, startup, draining.
    ///
    /// From the beginning of a drain every service is `NOT_SERVING`, for good, and open `Watch` calls end when the
    /// drain closes connections, so that none of them holds the exit open.
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
    /// The first status at once, and then each other one; `None` when the drain closes connections.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            self.changes.mark_unchanged();
            let now = status(&self.health, &self.service);
            if self.sent != Some(now) {
                self.sent = Some(now);
                return Some(now);
            }
            let phase = self.health.drain().map_or(Phase::Serving, Drain::phase);
            if phase >= Phase::Closing {
                return None;
            }
            let next_phase = if phase == Phase::Serving { Phase::Announced } else { Phase::Closing };
            tokio::select! {
                _ = self.changes.changed() => {}
                () = reached(self.health.drain(), next_phase) => {}
                () = grown_old(&self.health) => {}
            }
        }
    }
}

/// Waits for the drain, if there is one.
async fn reached(drain: Option<&Drain>, phase: Phase) {
    match drain {
        Some(drain) => drain.reached(phase).await,
        None => std::future::pending().await,
    }
}

/// Waits until the next result becomes too old.
async fn grown_old(health: &Health) {
    let next = health.view(Scope::All).next_stale();
    match next {
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
