//! A downstream service that answers GET with 2xx.

use std::{fmt, future::poll_fn, marker::PhantomData};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mainstay_core::{BoxError, InvalidSetting, Name};
use tower_service::Service;

use crate::{Check, HOP_HEADER, Hop};

/// What [`Check::http`] asks: `GET` on an address, healthy when the answer is 2xx. Redirects are not followed: a
/// health route that moved is a mistake to be seen.
///
/// ```
/// use mainstay_health::{Check, HttpCheck};
///
/// # fn main() -> Result<(), mainstay_health::InvalidSetting> {
/// let inventory = Check::http("inventory", HttpCheck::new("http://inventory.internal/ready")?);
/// # let _ = inventory; Ok(()) }
/// ```
pub struct HttpCheck<C = Client<HttpConnector, Empty<Bytes>>, B = Empty<Bytes>> {
    uri: Uri,
    client: C,
    hop: Option<Hop>,
    _body: PhantomData<fn() -> B>,
}

// === impl HttpCheck ===

impl HttpCheck {
    /// Asks this address through a client of its own, without TLS.
    ///
    /// # Errors
    /// An address that does not begin with `http://` and a host.
    pub fn new(url: &str) -> Result<Self, InvalidSetting> {
        let check = Self::with_client(url, Client::builder(TokioExecutor::new()).build_http())?;
        match check.uri.scheme_str() {
            Some("http") => Ok(check),
            _ => Err(InvalidSetting::new("url", url, "must begin with http://; https needs a client that can")),
        }
    }
}

impl<C, B> HttpCheck<C, B> {
    /// Asks this address through a client: any Tower service of HTTP requests with an empty body, with TLS if it can.
    ///
    /// # Errors
    /// An address without scheme or host.
    pub fn with_client(url: &str, client: C) -> Result<Self, InvalidSetting> {
        let uri: Uri = url.parse().map_err(|_| InvalidSetting::new("url", url, "must be a URL"))?;
        if uri.scheme().is_none() || uri.host().is_none() {
            return Err(InvalidSetting::new("url", url, "must have a scheme and a host"));
        }
        Ok(Self { uri, client, hop: None, _body: PhantomData })
    }

    /// Says who asks, so that services that check each other do not keep each other down: see [`Hop`].
    #[must_use]
    pub fn hop(mut self, hop: &Hop) -> Self {
        self.hop = Some(hop.clone());
        self
    }

    async fn ask<ResB>(mut self) -> Result<(), String>
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>>,
        B: Default,
    {
        let mut request = Request::new(B::default());
        *request.uri_mut() = self.uri;
        if let Some(hop) = &self.hop {
            request.headers_mut().insert(HOP_HEADER, hop.value());
        }
        poll_fn(|cx| self.client.poll_ready(cx)).await.map_err(causes)?;
        let status = self.client.call(request).await.map_err(causes)?.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("answered {status}")),
        }
    }
}

impl<C: Clone, B> Clone for HttpCheck<C, B> {
    fn clone(&self) -> Self {
        let Self { uri, client, hop, _body } = self;
        Self { uri: uri.clone(), client: client.clone(), hop: hop.clone(), _body: PhantomData }
    }
}

impl<C, B> fmt::Debug for HttpCheck<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the whole address: it may carry credentials.
        f.debug_struct("HttpCheck").field("host", &self.uri.host()).finish_non_exhaustive()
    }
}

// === impl Check ===

impl Check {
    /// Healthy when a downstream service answers 2xx. Think before you make it critical: its failure then takes all
    /// your replicas out of rotation together.
    pub fn http<C, B, ResB>(name: impl Into<Name>, check: HttpCheck<C, B>) -> Self
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: Default + Send + 'static,
        ResB: Send + 'static,
    {
        Self::new(name, move || check.clone().ask())
    }
}

/// An error with what is behind it: `hyper` alone says "client error (Connect)".
fn causes(error: impl Into<BoxError>) -> String {
    let error = error.into();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
