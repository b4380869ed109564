//! An endpoint: a name, a service, an address and a probe.

use std::fmt;

use mainstay_core::{InvalidSetting, Name};

use crate::{
    address::Address,
    probe::{Probe, SharedProbe},
};

/// One endpoint of a failover.
///
/// All endpoints of one failover have the same service type. Services of different types are boxed:
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

/// An endpoint without its service.
#[derive(Clone, Debug)]
pub(crate) struct EndpointInfo {
    pub(crate) name: Name,
    pub(crate) url: Option<Address>,
    pub(crate) probe: Option<SharedProbe>,
}

// === impl Endpoint ===

impl<S> Endpoint<S> {
    /// Creates an endpoint with its service.
    ///
    /// Without a [probe](Self::with_probe), live requests must show that the endpoint is usable again.
    pub fn new(name: impl Into<Name>, service: S) -> Self {
        Self { info: EndpointInfo { name: name.into(), url: None, probe: None }, service }
    }

    /// Sets the address: for clients through [`Active::url`](crate::Active::url), and for pages, which show it without user
    /// and password.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.info.url = Some(Address::from(url.into()));
        self
    }

    /// Sets the probe that reports whether the endpoint works.
    #[must_use]
    pub fn with_probe(mut self, probe: impl Probe) -> Self {
        self.info.probe = Some(SharedProbe::new(probe));
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &Name {
        &self.info.name
    }

    /// Returns the service.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Replaces the service, to wrap each endpoint in a layer.
    #[must_use]
    pub fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Endpoint<T> {
        Endpoint { info: self.info, service: wrap(self.service) }
    }
}

impl Endpoint<()> {
    /// Creates an endpoint without a service, for clients that are not Tower services and read from the
    /// [`FailoverHandle`](crate::FailoverHandle) where a request goes.
    pub fn named(name: impl Into<Name>) -> Self {
        Self::new(name, ())
    }
}

// === impl EndpointInfo ===

impl EndpointInfo {
    /// Checks that there are endpoints, and that each has a name of its own.
    pub(crate) fn check_names(endpoints: &[Self]) -> Result<(), InvalidSetting> {
        if endpoints.is_empty() || endpoints.len() > 1_000 {
            return Err(InvalidSetting::new("endpoints", endpoints.len(), "must be 1 to 1000 endpoints"));
        }
        for (i, endpoint) in endpoints.iter().enumerate() {
            if endpoint.name.trim().is_empty() {
                let field = format!("endpoints.{i}.name");
                return Err(InvalidSetting::new(field, format_args!("{:?}", endpoint.name), "must not be empty"));
            }
            if endpoints[..i].iter().any(|earlier| earlier.name == endpoint.name) {
                return Err(InvalidSetting::new("endpoints", &endpoint.name, "must have a name of its own each"));
            }
        }
        Ok(())
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
