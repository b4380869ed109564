//! A limit of the interim responses (1xx) to one request.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use http::{Request, StatusCode};
use hyper::ext::on_informational;
use pin_project_lite::pin_project;

/// The interim responses that a request may get before its response. A server sends one `100 Continue` and a few
/// `103 Early Hints`, or `102 Processing` every 20 seconds: that many for ten minutes.
pub const MAX_INTERIM_RESPONSES: u32 = 32;

/// Counts the interim responses to one request over HTTP/1, and ends the request after [`MAX_INTERIM_RESPONSES`].
///
/// hyper skips interim responses without a limit: a server that sends them without end keeps its request waiting and a
/// thread busy. The limit is set on a request before that is given to a client of hyper or hyper-util, and put around
/// the client's future. If the limit is exceeded, that future is dropped with its result, and hyper closes the connection.
///
/// It costs three small allocations a request. Over HTTP/2 hyper reports no interim responses: only the timeout of the
/// request limits them.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::{Client, connect::HttpConnector};
/// use mainstay_core::BoxError;
/// use mainstay_http::client::InterimLimit;
///
/// # async fn example(client: Client<HttpConnector, Empty<Bytes>>) -> Result<(), BoxError> {
/// let mut request = Request::get("http://orders.internal/").body(Empty::new())?;
/// let limit = InterimLimit::new(&mut request, |_| {});
/// let response = limit.limit(client.request(request)).await??;
/// # let _ = response; Ok(()) }
/// ```
#[derive(Debug)]
pub struct InterimLimit(Arc<State>);

#[derive(Debug, Default)]
struct State {
    responses: AtomicU32,
    waiter: AtomicWaker,
}

pin_project! {
    /// The future of [`InterimLimit::limit`].
    #[derive(Debug)]
    pub struct InterimLimited<F> {
        #[pin]
        response: F,
        state: Arc<State>,
    }
}

/// More than [`MAX_INTERIM_RESPONSES`] came before a response. The [policies](crate::policy) count it as a failure of the
/// server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooManyInterimResponses {}

// === impl InterimLimit ===

impl InterimLimit {
    /// Sets the limit on a request. `observe` is called with the status of each interim response that is within the limit.
    ///
    /// It takes the place of a callback that was set by [`on_informational`].
    pub fn new<B>(request: &mut Request<B>, observe: impl Fn(StatusCode) + Send + Sync + 'static) -> Self {
        let state = Arc::<State>::default();
        let counted = Arc::clone(&state);
        on_informational(request, move |interim| {
            if counted.record() {
                observe(interim.status());
            }
        });
        Self(state)
    }

    /// Wraps the future that sends the request.
    pub fn limit<F>(self, response: F) -> InterimLimited<F> {
        InterimLimited { response, state: self.0 }
    }
}

// === impl State ===

impl State {
    /// Counts an interim response, and returns whether it is within the limit. Called by the task of the connection only.
    fn record(&self) -> bool {
        let responses = self.responses.load(SeqCst).saturating_add(1);
        self.responses.store(responses, SeqCst);
        if responses == MAX_INTERIM_RESPONSES + 1 {
            self.waiter.wake();
        }
        responses <= MAX_INTERIM_RESPONSES
    }
}

// === impl InterimLimited ===

impl<F: Future> Future for InterimLimited<F> {
    type Output = Result<F::Output, TooManyInterimResponses>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Registered before the number is read, so that no wake-up is lost.
        this.state.waiter.register(cx.waker());
        if this.state.responses.load(SeqCst) > MAX_INTERIM_RESPONSES {
            return Poll::Ready(Err(TooManyInterimResponses {}));
        }
        this.response.poll(cx).map(Ok)
    }
}

// === impl TooManyInterimResponses ===

impl fmt::Display for TooManyInterimResponses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {MAX_INTERIM_RESPONSES} interim responses (1xx)")
    }
}

impl std::error::Error for TooManyInterimResponses {}
