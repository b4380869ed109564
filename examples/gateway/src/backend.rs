//! One backend as a Tower service: any request, sent to the backend's own address.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, Request, Uri, Version};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay_core::Name;
use mainstay_http::{policy::X_DEGRADED, proxy};
use tower::Service;

use crate::upload::Upload;

/// Which endpoint gave the answer.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// A request that is forwarded.
pub(crate) type ProxyRequest = Request<Upload>;

/// The HTTP client that all endpoints share.
pub(crate) type Client = legacy::Client<HttpConnector, Upload>;

/// One place to send requests to.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) name: Name,
    pub(crate) url: Uri,
    /// Whether its answers mean that another one should have given them.
    pub(crate) is_backup: bool,
}

// === impl Backend ===

impl Backend {
    /// In the order in which they are preferred: primary, backup, backup-2, ..
    pub(crate) fn list(primary: Uri, backups: impl IntoIterator<Item = Uri>) -> Vec<Self> {
        let mut backends = vec![Self { name: Name::from("primary"), url: primary, is_backup: false }];
        for (i, url) in backups.into_iter().enumerate() {
            let name = if i == 0 { Name::from("backup") } else { Name::from(format!("backup-{}", i + 1)) };
            backends.push(Self { name, url, is_backup: true });
        }
        backends
    }

    /// Its address and this path.
    pub(crate) fn address(&self, path: &str) -> String {
        // A URI without a path shows one.
        format!("{}{path}", self.url.to_string().trim_end_matches('/'))
    }

    /// The backend as a service.
    ///
    /// Only path and query of the request's URI are used, and the client writes `Host` from the new URI: no request can
    /// choose the host.
    pub(crate) fn service(
        &self,
        client: Client,
    ) -> impl Service<ProxyRequest, Response = Response, Error = legacy::Error, Future: Send> + Clone + use<> {
        let name = HeaderValue::try_from(self.name.as_str()).unwrap_or(HeaderValue::from_static("endpoint"));
        // Shared, because a server clones its stack for every request.
        let shared = Arc::new((self.clone(), client, name));
        tower::service_fn(move |mut request: ProxyRequest| {
            let shared = shared.clone();
            let (backend, client, _) = &*shared;
            // `forward` has refused what cannot be rebased; should that ever change, it ends at the backend's root.
            *request.uri_mut() = proxy::rebase(&backend.url, request.uri()).unwrap_or_else(|| backend.url.clone());
            // The version is a matter of each hop.
            *request.version_mut() = Version::HTTP_11;
            let progress = request.body().progress();
            let answer = client.request(request);
            async move {
                let (backend, _, name) = &*shared;
                let answer = answer.await;
                progress.attempted(answer.is_ok());
                let mut response = answer?.map(Body::new);
                if backend.is_backup {
                    response.headers_mut().insert(X_DEGRADED, name.clone());
                }
                response.headers_mut().insert(SERVED_BY, name.clone());
                Ok(response)
            }
        })
    }
}

/// A client with a pool of connections. `attempt` bounds a request as a whole; connecting gets a part of it, so that
/// a host that swallows packets leaves time for another of its addresses.
pub(crate) fn client(attempt: Duration) -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(attempt / 2));
    // Finds out about a peer that vanished in the middle of a long answer.
    connector.set_keepalive(Some(Duration::from_secs(15)));
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector)
}
