//! The service under test as a trait object, as in `tower::util::BoxCloneService`, so that each rule is checked through
//! boxing too.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tower_service::Service;

use super::Request;
use crate::BoxError;

pub(super) struct BoxService(Box<dyn Object>);

pub(super) type Call = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

trait Object: Send {
    fn clone_box(&self) -> Box<dyn Object>;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
    fn call(&mut self, request: Request) -> Call;
}

impl<S> Object for S
where
    S: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static,
{
    fn clone_box(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::poll_ready(self, cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Call {
        let call = Service::call(self, request);
        Box::pin(async { call.await.map(drop).map_err(Into::into) })
    }
}

// === impl BoxService ===

impl BoxService {
    pub(super) fn new<S>(service: S) -> Self
    where
        S: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static,
    {
        Self(Box::new(service))
    }
}

impl Service<Request> for BoxService {
    type Response = ();
    type Error = BoxError;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Call {
        self.0.call(request)
    }
}

impl Clone for BoxService {
    fn clone(&self) -> Self {
        Self(self.0.clone_box())
    }
}
