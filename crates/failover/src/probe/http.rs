//! The HTTP probe of `mainstay-http` as the probe of an endpoint.

use http::{Request, Response};
use http_body::Body;
use mainstay_core::BoxError;
use mainstay_http::probe::{HttpProbe, HttpProbeError};
use tower_service::Service;

use super::{Probe, ProbeFuture, ProbeOutcome};

impl<C, B, ResB> Probe for HttpProbe<C, B>
where
    C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Default + Send + 'static,
    ResB: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    fn probe(&self) -> ProbeFuture {
        let probe = self.clone();
        Box::pin(async move {
            match probe.send().await {
                Ok(()) => ProbeOutcome::Healthy,
                Err(HttpProbeError::Unhealthy { reason }) => ProbeOutcome::Unhealthy { reason },
                Err(HttpProbeError::NotSent { reason }) => ProbeOutcome::NotSent { reason },
                Err(HttpProbeError::Overloaded) => ProbeOutcome::Overloaded,
                Err(HttpProbeError::Out { reason }) => ProbeOutcome::Out { reason },
            }
        })
    }

    fn address(&self) -> Option<String> {
        Some(self.url())
    }
}
