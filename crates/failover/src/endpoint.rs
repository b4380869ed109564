//! An endpoint: a name, a service, and how to ask whether it works.

use std::{fmt, sync::Arc};

use mainstay_core::Name;

use crate::{Probe, probe::SharedProbe};

/// One of the places that requests can go to.
///
/// The service may be anything; endpoints of one failover share its type. Different ones are boxed:
///
/// ```
/// use mainstay_failover::{Endpoint, Failover};
/// use tower::{BoxError, service_fn, util::BoxCloneSyncService};
///
/// # fn main() -> Result<(), BoxError> {
/// let remote = BoxCloneSyncService::new(service_fn(|id: u32| async move { Ok::<_, BoxError>(id) }));
/// let cache = BoxCloneSyncService::new(service_fn(|_: u32| async { Ok::<_, BoxError>(0) }));
/// let orders = Failover::new("orders", [Endpoint::new("remote", remote), Endpoint::new("cache", cache)])?;
/// # let _ = mainstay_core::check::<u32, _, _, _>(orders); Ok(()) }
/// ```
#[derive(Clone)]
pub struct Endpoint<S> {
    pub(crate) info: EndpointInfo,
    pub(crate) service: S,
}

/// What a failover keeps of an endpoint beside its service.
#[derive(Clone, Debug)]
pub(crate) struct EndpointInfo {
    pub(crate) name: Name,
    pub(crate) url: Option<Arc<str>>,
    pub(crate) probe: Option<SharedProbe>,
}

// === impl Endpoint ===

impl<S> Endpoint<S> {
    /// An endpoint with its service.
    ///
    /// Without a [probe](Self::with_probe), live requests must show that it is back.
    pub fn new(name: impl Into<Name>, service: S) -> Self {
        Self { info: EndpointInfo { name: name.into(), url: None, probe: None }, service }
    }

    /// With the address that clients and pages are shown. Keep credentials out of it.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.info.url = Some(url.into().into());
        self
    }

    /// With the probe that says whether it works.
    #[must_use]
    pub fn with_probe(mut self, probe: impl Probe) -> Self {
        self.info.probe = Some(SharedProbe(Arc::new(probe)));
        self
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.info.name
    }

    /// The service.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The same endpoint with another service: for layers around each.
    #[must_use]
    pub fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Endpoint<T> {
        Endpoint { info: self.info, service: wrap(self.service) }
    }
}

impl Endpoint<()> {
    /// An endpoint without a service, for clients that are no Tower services and ask the
    /// [`FailoverHandle`](crate::FailoverHandle) where to go.
    pub fn named(name: impl Into<Name>) -> Self {
        Self::new(name, ())
    }
}

impl<S> fmt::Debug for Endpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndpointInfo { name, url, probe } = &self.info;
        let probed = probe.is_some();
        f.debug_struct("Endpoint")
            .field("name", name)
            .field("url", url)
            .field("probed", &probed)
            .finish_non_exhaustive()
    }
}
