//! Looks up names, and tells a lookup that fails for want of a file descriptor from one of an unknown name.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use mainstay_core::lookup_error;
use pin_project_lite::pin_project;
use tower_service::Service;

/// The system's resolver, for hyper-util's `HttpConnector`. A lookup for which no file descriptor is left fails with the
/// error of the [system](lookup_error), which the [policies](crate::policy) count against no server. hyper-util's own
/// resolver says that the name is not known.
///
/// ```
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use mainstay_http::client::{Connector, Resolver};
///
/// let connector = Connector::new(HttpConnector::new_with_resolver(Resolver::new()));
/// # let _ = connector;
/// ```
#[derive(Clone, Debug)]
pub struct Resolver(GaiResolver);

pin_project! {
    /// The future of [`Resolver`].
    pub struct Resolving {
        #[pin]
        lookup: GaiFuture,
    }
}

// === impl Resolver ===

impl Resolver {
    /// Creates a resolver. A lookup blocks a thread of Tokio's pool for blocking work.
    #[must_use]
    pub fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Resolving {
        Resolving { lookup: self.0.call(name) }
    }
}

// === impl Resolving ===

impl Future for Resolving {
    type Output = io::Result<GaiAddrs>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().lookup.poll(cx).map_err(lookup_error)
    }
}

impl fmt::Debug for Resolving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolving").finish_non_exhaustive()
    }
}
