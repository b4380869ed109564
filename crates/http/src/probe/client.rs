//! One request of a probe, and the reading of its response.

use std::{fmt, future::poll_fn, marker::PhantomData, pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, InvalidSetting, PROBE_LOOP_HEADER, is_out_of_files};
use tower_service::Service;

use crate::{
    client::{Connector, InterimLimit, Resolver},
    error_text::error_text,
    policy::status::is_probe_overloaded,
    probe::{error::HttpProbeError, redirect::redirect_target, settings::HttpProbeSettings},
};

/// The client that [`HttpProbe::new`] makes.
pub type HttpClient = Client<Connector<HttpConnector<Resolver>>, Empty<Bytes>>;

/// A probe over HTTP: the service is healthy if it answers `GET` with 2xx.
///
/// 429 is an overload. Every other status is unhealthy, 503 too: a health route reports "not ready" by it.
///
/// ```
/// use mainstay_http::probe::{HttpProbe, HttpProbeSettings};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let probe = HttpProbe::new("http://orders.internal/healthz")?
///     .with_settings(HttpProbeSettings { max_redirects: Some(1), ..Default::default() });
/// # let _ = probe; Ok(()) }
/// ```
///
/// With [`with_client`](Self::with_client) the probe uses the client of the requests, over TLS if that client has it,
/// and keeps a standby's connections warm.
pub struct HttpProbe<C = HttpClient, B = Empty<Bytes>> {
    client: C,
    uri: Uri,
    settings: HttpProbeSettings,
    loop_guard: Option<Arc<dyn Fn() -> HeaderValue + Send + Sync>>,
    _body: PhantomData<fn() -> B>,
}

const DEFAULT_MAX_REDIRECTS: u32 = 5;
const BODY_LIMIT: usize = 64 * 1024;

/// A probe reads the status of a response, however many header fields that has.
const MAX_HEADERS: usize = 1_000;

fn client() -> HttpClient {
    let connector = Connector::new(HttpConnector::new_with_resolver(Resolver::new()));
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).http1_max_headers(MAX_HEADERS).build(connector)
}

// === impl HttpProbe ===

impl HttpProbe {
    /// A probe of this address with a client of its own, which has no TLS and opens a connection for each request: an idle
    /// connection that the service has closed would fail the probe.
    ///
    /// # Errors
    /// The address does not begin with `http://` and a host, or its port is out of its range.
    pub fn new(url: &str) -> Result<Self, InvalidSetting> {
        let probe = Self::with_client(url, client())?;
        match probe.uri.scheme_str() {
            Some("http") => Ok(probe),
            _ => Err(InvalidSetting::new("url", url, "must begin with http://; for https use with_client")),
        }
    }
}

impl<C, B> HttpProbe<C, B> {
    /// A probe of this address through a client: any Tower service that takes requests with an empty body `B`.
    ///
    /// # Errors
    /// The address has no scheme, no host, or a port out of its range.
    pub fn with_client(url: &str, client: C) -> Result<Self, InvalidSetting> {
        let uri = url.parse::<Uri>().ok().filter(is_usable);
        let allowed = "must be an address with scheme, host and, if any, a port of 1 to 65535";
        let uri = uri.ok_or_else(|| InvalidSetting::new("url", url, allowed))?;
        Ok(Self { client, uri, settings: HttpProbeSettings::default(), loop_guard: None, _body: PhantomData })
    }

    /// Replaces all settings.
    #[must_use]
    pub fn with_settings(mut self, settings: HttpProbeSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sends this header too.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.settings.headers.insert(name, value);
        self
    }

    /// Sends the value of this function in [`PROBE_LOOP_HEADER`], so that services that check each other do not keep each
    /// other unhealthy. The function is called for each request.
    #[must_use]
    pub fn with_loop_guard(mut self, value: impl Fn() -> HeaderValue + Send + Sync + 'static) -> Self {
        self.loop_guard = Some(Arc::new(value));
        self
    }

    /// Returns the address, for logs and pages: without user, password and query, which may be secrets.
    #[must_use]
    pub fn url(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        format!("{}://{host_and_port}{}", self.uri.scheme_str().unwrap_or("http"), self.uri.path())
    }

    /// Sets what is not set yet to the defaults of a health check.
    #[doc(hidden)]
    #[must_use]
    pub fn for_health_check(mut self) -> Self {
        self.settings.max_redirects.get_or_insert(0);
        self.settings.read_body.get_or_insert(false);
        self
    }

    /// Sends one probe. It has no timeout: the caller applies one.
    ///
    /// # Errors
    /// The service is not healthy.
    pub async fn send<ResB>(mut self) -> Result<(), HttpProbeError>
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>>,
        B: Default,
        ResB: Body<Error: Into<BoxError>>,
    {
        let max_redirects = self.settings.max_redirects.unwrap_or(DEFAULT_MAX_REDIRECTS);
        let mut uri = self.uri.clone();
        for _ in 0..=max_redirects {
            let response = self.get(&uri).await?;
            if max_redirects == 0 || !response.status().is_redirection() {
                return self.check(response).await;
            }
            uri = redirect_target(&uri, response.headers())?;
        }
        Err(format!("more than {max_redirects} redirects").into())
    }

    async fn get<ResB>(&mut self, uri: &Uri) -> Result<Response<ResB>, HttpProbeError>
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>>,
        B: Default,
    {
        let mut request = Request::new(B::default());
        *request.uri_mut() = uri.clone();
        if uri.authority() == self.uri.authority() {
            *request.headers_mut() = self.settings.headers.clone();
            if let Some(value) = &self.loop_guard {
                request.headers_mut().insert(PROBE_LOOP_HEADER, value());
            }
        }
        poll_fn(|cx| self.client.poll_ready(cx)).await.map_err(failed)?;
        let limit = InterimLimit::new(&mut request, |_| {});
        limit.limit(self.client.call(request)).await.map_err(failed)?.map_err(failed)
    }

    async fn check<ResB>(&self, response: Response<ResB>) -> Result<(), HttpProbeError>
    where
        ResB: Body<Error: Into<BoxError>>,
    {
        let HttpProbeSettings { out_header, expected_body, read_body, .. } = &self.settings;
        if let Some(reason) = out_header.as_ref().and_then(|name| response.headers().get(name)) {
            return Err(HttpProbeError::Out { reason: String::from_utf8_lossy(reason.as_bytes()).into_owned() });
        }
        let status = response.status();
        let body = match read_body.unwrap_or(true) || expected_body.is_some() {
            true => Some(pin!(Limited::new(response.into_body(), BODY_LIMIT)).collect().await),
            false => None,
        };
        match status {
            _ if is_probe_overloaded(status) => return Err(HttpProbeError::Overloaded),
            _ if !status.is_success() => return Err(format!("status {status}").into()),
            _ => {}
        }
        let (Some(expected), Some(body)) = (expected_body, body) else { return Ok(()) };
        let body = body.map_err(|error| format!("body: {error}"))?.to_bytes();
        match String::from_utf8_lossy(&body).contains(expected) {
            true => Ok(()),
            false => Err("the body does not contain the expected text".to_owned().into()),
        }
    }
}

fn failed(error: impl Into<BoxError>) -> HttpProbeError {
    let error = error.into();
    let reason = error_text(&*error);
    match is_out_of_files(&*error) {
        true => HttpProbeError::NotSent { reason },
        false => HttpProbeError::Unhealthy { reason },
    }
}

/// Whether a client can connect to the address. Without the check of its port, clients take the port of the scheme instead of
/// one that is out of range.
fn is_usable(uri: &Uri) -> bool {
    let Some(authority) = uri.authority().filter(|_| uri.scheme().is_some()) else { return false };
    let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
    let after_host = host_and_port.strip_prefix(authority.host()).unwrap_or_default();
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    !authority.host().is_empty() && (after_host.is_empty() || after_host.strip_prefix(':').is_some_and(is_port))
}

impl<C: Clone, B> Clone for HttpProbe<C, B> {
    fn clone(&self) -> Self {
        let Self { client, uri, settings, loop_guard, _body } = self;
        Self {
            client: client.clone(),
            uri: uri.clone(),
            settings: settings.clone(),
            loop_guard: loop_guard.clone(),
            _body: PhantomData,
        }
    }
}

/// With the host only: the address may hold credentials.
impl<C, B> fmt::Debug for HttpProbe<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HttpProbe");
        debug.field("host", &self.uri.host()).field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_that_cannot_be_probed_is_rejected_by_the_constructor() {
        for wrong in ["", "orders", "/healthz", "https://orders/", "ftp://x/"] {
            assert_eq!(HttpProbe::new(wrong).unwrap_err().field(), "url", "{wrong}");
        }
        // Defect: the probe went to port 80.
        for wrong in [
            "http://x:99999/",
            "http://x:65616",
            "http://x:+80",
            "http://x:",
            "http://x:0",
            "http://u:p@x:",
            "http://[::1]:",
        ] {
            assert_eq!(HttpProbe::new(wrong).unwrap_err().field(), "url", "{wrong}");
        }
        for right in ["http://x", "http://x:65535/y?z", "http://u:p@x:80", "http://[::1]", "http://[::1]:80/"] {
            assert!(HttpProbe::new(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn debug_output_holds_no_credentials() {
        let probe = HttpProbe::new("http://admin:hunter2@inventory.internal/ready").unwrap();
        let probe = probe.with_header(HeaderName::from_static("authorization"), HeaderValue::from_static("hunter2"));
        assert!(!format!("{probe:?}").contains("hunter2"));
        let probe = HttpProbe::new("http://admin:hunter2@inventory.internal:81/ready?token=hunter2").unwrap();
        assert_eq!(probe.url(), "http://inventory.internal:81/ready");
    }
}
