//! The layers that the contract suite can check.

use tower_layer::Layer;
use tower_service::Service;

use super::{Probe, Request};
use crate::BoxError;

/// A layer that [`contract`](super::contract) can check: its service over a [`Probe`] is `Clone` and `Send`.
pub trait Subject:
    Layer<Probe, Service: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static>
{
}

impl<L> Subject for L where
    L: Layer<Probe, Service: Service<Request, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static>
{
}
