//! The HTTP client of the backends: its pool of connections, and the limits of what it reads.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay_core::BoxError;
use mainstay_http::{
    body::{BodyEnd, GuardedBody, IdleTimeoutBody},
    client::{Connector, InterimLimit, RepeatStale, Resolver, TooManyInterimResponses},
};
use tower::{Service, ServiceExt, service_fn};

use crate::{backend::ProxyRequest, own_limits::OwnLimits, settings::Settings, target::Target, upload::Upload};

/// hyper's buffer for the head of an answer and for the pieces of its body. Heads may have a higher limit.
const BUFFER: usize = 128 * 1024;

type HyperClient = legacy::Client<Connector<HttpConnector<Resolver>>, Upload>;

/// The clients of all backends: one pool of connections, and the same limits.
pub(crate) struct Clients {
    pooled: HyperClient,
    /// Opens a new connection for each request.
    unpooled: HyperClient,
    own_limits: Arc<OwnLimits>,
    body_idle_timeout: Duration,
}

/// hyper's client for one backend, and the one for requests that need a new connection.
struct Client {
    pooled: HyperClient,
    unpooled: HyperClient,
    target: Target,
    /// Whether an answer had HTTP/1.0. On the connection of such an answer hyper sends HTTP/1.0, which has no chunks, and
    /// leaves out a body of unknown length.
    has_http_1_0: AtomicBool,
}

/// Why an attempt got no answer.
#[derive(Debug)]
pub(crate) enum ClientError {
    Hyper(legacy::Error),
    /// The backend sent interim answers without end.
    Interim(TooManyInterimResponses),
}

// === impl Clients ===

impl Clients {
    /// Connecting may take half of an attempt's time: if one address of a host drops packets, there is time left for its
    /// next address.
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { backend, limits, .. } = settings;
        let max_head_bytes = limits.max_head_bytes as usize;
        let mut connector = HttpConnector::new_with_resolver(Resolver::new());
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits.attempt_timeout / 2));
        // Detects a backend that disappears in the middle of a long answer.
        connector.set_keepalive(Some(Duration::from_secs(15)));
        let connector = Connector::new(connector).with_write_timeout(limits.body_idle_timeout);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // Shorter than the idle time of most servers, so that the gateway closes first.
            .pool_idle_timeout(backend.pool_idle)
            .http1_max_headers(backend.max_response_fields as usize)
            .http1_max_buf_size(max_head_bytes.max(BUFFER));
        Self {
            pooled: builder.build(connector.clone()),
            unpooled: builder.pool_max_idle_per_host(0).build(connector),
            own_limits: Arc::new(OwnLimits::new(max_head_bytes)),
            body_idle_timeout: limits.body_idle_timeout,
        }
    }

    /// Returns the client of one backend. A request on a connection that the backend has closed meanwhile is sent again on
    /// a new one, if it may be sent twice.
    ///
    /// The body of an answer fails after a pause of `BODY_IDLE_SECONDS`, and so does a write of which the backend takes
    /// nothing. An attempt fails after too many interim answers.
    pub(crate) fn client(
        &self,
        backend: &Uri,
    ) -> impl Service<
        ProxyRequest,
        Response = Response<impl HttpBody<Data = Bytes, Error = BoxError> + Send + use<>>,
        Error = BoxError,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + use<> {
        let new = |pooled: &HyperClient| {
            let (pooled, unpooled) = (pooled.clone(), self.unpooled.clone());
            let client =
                Client { pooled, unpooled, target: Target::new(backend), has_http_1_0: AtomicBool::new(false) };
            sender(client, self.body_idle_timeout)
        };
        let own_limits = self.own_limits.clone();
        RepeatStale::new(new(&self.pooled), new(&self.unpooled)).map_result(move |result| own_limits.check(result))
    }
}

/// Returns a service that reports the end of an attempt and of its answer to the upload, and the backend's wish for the
/// body.
fn sender(
    client: Client,
    body_idle_timeout: Duration,
) -> impl Service<
    ProxyRequest,
    Response = Response<impl HttpBody<Data = Bytes, Error = BoxError> + Send + use<>>,
    Error = ClientError,
    Future: Send,
> + Clone
+ Send
+ Sync
+ use<> {
    // In an `Arc`, because the service is cloned for every request.
    let client = Arc::new(client);
    service_fn(move |request: ProxyRequest| {
        let mut request = client.target.address(request.into_request());
        let progress = request.body().progress().clone();
        let asked = progress.clone();
        let limit = InterimLimit::new(&mut request, move |status| {
            if status == StatusCode::CONTINUE {
                asked.grant();
            }
        });
        let client = client.clone();
        let answer = limit.limit(client.choose(&request).request(request));
        async move {
            let answer = answer.await.map_err(ClientError::Interim).and_then(|answer| Ok(answer?));
            if answer.as_ref().is_ok_and(|answer| answer.version() == Version::HTTP_10) {
                client.has_http_1_0.store(true, Relaxed);
            }
            progress.record_attempt(answer.is_ok());
            let end = move |_: BodyEnd<'_>| progress.record_answer_end();
            Ok(answer?.map(|body| IdleTimeoutBody::new(GuardedBody::new(body, end), body_idle_timeout)))
        }
    })
}

// === impl ClientError ===

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer of the backend")
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Hyper(error) => Some(error),
            Self::Interim(error) => Some(error),
        }
    }
}

impl From<legacy::Error> for ClientError {
    fn from(error: legacy::Error) -> Self {
        Self::Hyper(error)
    }
}

// === impl Client ===

impl Client {
    fn choose(&self, request: &Request<Upload>) -> &HyperClient {
        match self.has_http_1_0.load(Relaxed) && request.body().size_hint().exact().is_none() {
            true => &self.unpooled,
            false => &self.pooled,
        }
    }
}
