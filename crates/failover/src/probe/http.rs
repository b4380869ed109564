//! The HTTP probe.

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header::LOCATION};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::InvalidSetting;
use tower_service::Service;

use super::{Probe, ProbeFuture, ProbeOutcome};

/// The client that [`HttpProbe::new`] makes.
pub type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// The header that says which instance asks, so that replicas that check each other do not go round in circles: one
/// that sees its own id answers without asking anybody.
pub const HOP_HEADER: HeaderName = HeaderName::from_static("mainstay-hop");

/// Healthy when `GET` answers 2xx.
///
/// It follows up to 5 redirects of the same scheme. 429 is an overload; anything else is unhealthy, a 503 too: that is
/// how a health route says "not ready". The answer's body is read up to 64 KiB, so that the connection is used again.
///
/// ```
/// use mainstay_failover::{Endpoint, probe::http::HttpProbe};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let probe = HttpProbe::new("http://orders.internal/healthz")?.expect_body("\"service\":\"orders\"");
/// let primary = Endpoint::named("primary").with_probe(probe);
/// # Ok(()) }
/// ```
///
/// With [`with_client`](Self::with_client) the probe goes through the client that requests use, over TLS if it can, and
/// keeps a standby's connections warm.
pub struct HttpProbe<C = HttpClient, B = Empty<Bytes>> {
    client: C,
    uri: Uri,
    headers: HeaderMap,
    expected: Option<String>,
    out_header: Option<HeaderName>,
    _body: PhantomData<fn() -> B>,
}

const REDIRECTS: usize = 5;
const BODY_LIMIT: usize = 64 * 1024;

// === impl HttpProbe ===

impl HttpProbe {
    /// A probe of this address, with a client of its own. For `https` bring a client.
    ///
    /// # Errors
    /// An address that is no `http://host..`.
    pub fn new(url: &str) -> Result<Self, InvalidSetting> {
        let uri = parse(url)?;
        if uri.scheme_str() != Some("http") {
            return Err(InvalidSetting::new("url", url, "must begin with http://; for https use with_client"));
        }
        Ok(Self::build(Client::builder(TokioExecutor::new()).build_http(), uri))
    }
}

impl<C, B> HttpProbe<C, B> {
    /// A probe of this address through a client: any Tower service that takes requests with an empty body `B`.
    ///
    /// # Errors
    /// An address without scheme and host.
    pub fn with_client(url: &str, client: C) -> Result<Self, InvalidSetting> {
        parse(url).map(|uri| Self::build(client, uri))
    }

    fn build(client: C, uri: Uri) -> Self {
        Self { client, uri, headers: HeaderMap::new(), expected: None, out_header: None, _body: PhantomData }
    }

    /// Sends this header too. It does not follow a redirect to another host.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The body must contain this text: another service at the same address is not healthy.
    #[must_use]
    pub fn expect_body(mut self, text: impl Into<String>) -> Self {
        self.expected = Some(text.into());
        self
    }

    /// An answer with this header means "take me out": the endpoint is left at once.
    #[must_use]
    pub fn out_header(mut self, name: HeaderName) -> Self {
        self.out_header = Some(name);
        self
    }
}

impl<C, B, ResB> Probe for HttpProbe<C, B>
where
    C: Service<Request<B>, Response = Response<ResB>, Error: fmt::Display, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Default + Send + 'static,
    ResB: http_body::Body<Data: Send, Error: Into<mainstay_core::BoxError>> + Send + 'static,
{
    fn probe(&self) -> ProbeFuture {
        let probe = self.clone();
        Box::pin(async move { probe.ask().await.unwrap_or_else(ProbeOutcome::unhealthy) })
    }
}

impl<C: Clone, B> Clone for HttpProbe<C, B> {
    fn clone(&self) -> Self {
        let Self { client, uri, headers, expected, out_header, _body } = self;
        Self {
            client: client.clone(),
            uri: uri.clone(),
            headers: headers.clone(),
            expected: expected.clone(),
            out_header: out_header.clone(),
            _body: PhantomData,
        }
    }
}

impl<C, B> HttpProbe<C, B> {
    async fn ask<ResB>(mut self) -> Result<ProbeOutcome, String>
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: fmt::Display>,
        B: Default,
        ResB: http_body::Body<Error: Into<mainstay_core::BoxError>>,
    {
        let mut uri = self.uri.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&uri).await?;
            if !response.status().is_redirection() {
                return self.judge(response).await;
            }
            uri = redirected(&uri, response.headers())?;
        }
        Err(format!("more than {REDIRECTS} redirects"))
    }

    async fn send<ResB>(&mut self, uri: &Uri) -> Result<Response<ResB>, String>
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: fmt::Display>,
        B: Default,
    {
        let mut request = Request::new(B::default());
        *request.uri_mut() = uri.clone();
        if uri.authority() == self.uri.authority() {
            *request.headers_mut() = self.headers.clone();
        }
        let client = &mut self.client;
        std::future::poll_fn(|cx| client.poll_ready(cx)).await.map_err(|error| error.to_string())?;
        client.call(request).await.map_err(|error| error.to_string())
    }

    async fn judge<ResB>(&self, response: Response<ResB>) -> Result<ProbeOutcome, String>
    where
        ResB: http_body::Body<Error: Into<mainstay_core::BoxError>>,
    {
        let out = self.out_header.as_ref().and_then(|name| response.headers().get(name));
        if let Some(reason) = out {
            return Ok(ProbeOutcome::Out { reason: String::from_utf8_lossy(reason.as_bytes()).into_owned() });
        }
        let status = response.status();
        let body = std::pin::pin!(Limited::new(response.into_body(), BODY_LIMIT)).collect().await;
        match status {
            StatusCode::TOO_MANY_REQUESTS => return Ok(ProbeOutcome::Overloaded),
            status if !status.is_success() => return Err(format!("status {}", status.as_u16())),
            _ => {}
        }
        let Some(expected) = self.expected.as_deref() else { return Ok(ProbeOutcome::Healthy) };
        let body = body.map_err(|error| format!("body: {error}"))?.to_bytes();
        match String::from_utf8_lossy(&body).contains(expected) {
            true => Ok(ProbeOutcome::Healthy),
            false => Err("the body is not the expected one".to_owned()),
        }
    }
}

impl<C, B> fmt::Debug for HttpProbe<C, B> {
    /// Without the headers: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProbe").field("uri", &self.uri).field("expected", &self.expected).finish_non_exhaustive()
    }
}

fn parse(url: &str) -> Result<Uri, InvalidSetting> {
    let uri = url.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some() && uri.authority().is_some());
    uri.ok_or_else(|| InvalidSetting::new("url", url, "must be an address with scheme and host"))
}

/// Where a redirect leads: an address of the same scheme, or a path at the same host.
fn redirected(from: &Uri, headers: &HeaderMap) -> Result<Uri, String> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok()).ok_or("a redirect to nowhere")?;
    let (scheme, host) = (from.scheme_str().unwrap_or("http"), from.authority().map_or("", |host| host.as_str()));
    let absolute = match location {
        _ if location.contains("://") => location.to_owned(),
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        _ => {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{scheme}://{host}{folder}/{location}")
        }
    };
    let to: Uri = absolute.split('#').next().unwrap_or_default().parse().map_err(|_| "a redirect to no address")?;
    match to.scheme_str() == Some(scheme) {
        true => Ok(to),
        false => Err("a redirect to another scheme".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved() {
        let from = Uri::from_static("http://a:1/x/y?q=1");
        let to = |location: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            redirected(&from, &headers).map(|uri| uri.to_string())
        };
        assert_eq!(to("/z").as_deref(), Ok("http://a:1/z"));
        assert_eq!(to("z#part").as_deref(), Ok("http://a:1/x/z"));
        assert_eq!(to("//b/z").as_deref(), Ok("http://b/z"));
        assert_eq!(to("http://c/?w").as_deref(), Ok("http://c/?w"));
        assert!(to("https://c/").is_err());
        assert!(to("http://[").is_err());
        assert!(redirected(&from, &HeaderMap::new()).is_err());
    }

    #[test]
    fn an_address_that_cannot_be_probed_is_refused_at_once() {
        for wrong in ["", "orders", "/healthz", "https://orders/", "ftp://x/"] {
            assert_eq!(HttpProbe::new(wrong).unwrap_err().field(), "url");
        }
    }
}
