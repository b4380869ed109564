//! The gRPC probe.

use mainstay_core::BoxError;
use tonic::{
    Code, Status,
    body::Body,
    client::GrpcService,
    codegen::{Body as HttpBody, Bytes},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::{
    function::{Probe, ProbeFuture},
    outcome::ProbeOutcome,
};

/// Healthy when `grpc.health.v1.Health/Check` answers `SERVING`.
///
/// It uses a channel of the caller. The channel that requests use keeps a standby's connection open.
/// `RESOURCE_EXHAUSTED` is an overload; a server without the health service is unhealthy.
///
/// ```
/// use mainstay_failover::{Endpoint, probe::grpc::GrpcProbe};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let channel = tonic::transport::Endpoint::from_static("http://orders.internal:50051").connect_lazy();
/// let primary = Endpoint::new("primary", channel.clone()).with_probe(GrpcProbe::new(channel, "orders.v1.Orders"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GrpcProbe<C> {
    channel: C,
    service: String,
}

impl<C> GrpcProbe<C> {
    /// Creates a probe of the service of that name; of the whole server when the name is empty.
    pub fn new(channel: C, service: impl Into<String>) -> Self {
        Self { channel, service: service.into() }
    }
}

impl<C> Probe for GrpcProbe<C>
where
    C: GrpcService<Body> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send,
    C::ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    fn probe(&self) -> ProbeFuture {
        let mut client = HealthClient::new(self.channel.clone());
        let request = HealthCheckRequest { service: self.service.clone() };
        Box::pin(async move {
            match client.check(request).await {
                Ok(response) => outcome(response.into_inner().status()),
                Err(status) => failed(&status),
            }
        })
    }
}

fn outcome(status: ServingStatus) -> ProbeOutcome {
    match status {
        ServingStatus::Serving => ProbeOutcome::Healthy,
        other => ProbeOutcome::unhealthy(other.as_str_name()),
    }
}

fn failed(status: &Status) -> ProbeOutcome {
    match status.code() {
        Code::ResourceExhausted => ProbeOutcome::Overloaded,
        code => ProbeOutcome::failed(status, format!("{code:?}: {}", status.message())),
    }
}
