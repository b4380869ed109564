//! The policies as layers use them.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{convert::Infallible, error::Error, fmt, io, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use mainstay_core::{
    BoxError, Class, Classify, Contextual, Degraded, FailureKind, Mark, Outcome, Reason, Refusal, Rejected, Repeat,
    Replay, RequestContext,
};
use mainstay_http::{
    Grpc, Http, Replayable,
    body::ReplayBody as _,
    policy::{Retryable, classify_error, own_limit},
};

type NoError<'a> = Result<&'a Response<()>, &'a BoxError>;

fn head(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let head = fields.iter().fold(Response::builder().status(status), |head, (name, value)| head.header(*name, *value));
    head.body(()).unwrap()
}

fn failed<P: Classify<Response<()>, BoxError>>(policy: &P, error: impl Into<BoxError>) -> Outcome {
    policy.classify(Err(&error.into()))
}

#[test]
fn http_classifies_by_status_and_retry_after() {
    let outcome = |status, fields| Http::new().classify(Ok(&head(status, fields)) as NoError<'_>);
    assert_eq!(outcome(200, &[]), Outcome::Success);
    assert_eq!(outcome(404, &[("retry-after", "5")]), Outcome::ignored());
    assert_eq!(outcome(401, &[]), Outcome::ignored());
    assert_eq!(outcome(503, &[]), Outcome::overloaded(None));
    assert_eq!(outcome(429, &[("retry-after", "5")]), Outcome::rate_limited(Some(Duration::from_secs(5))));
    let with_wait = outcome(500, &[("retry-after", "1")]);
    assert_eq!(
        with_wait,
        Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::After(Duration::from_secs(1)))
    );
    let dated = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT")];
    assert_eq!(outcome(503, &dated), Outcome::overloaded(Some(Duration::from_secs(3))));
}

#[test]
fn grpc_classifies_by_status_in_the_head() {
    let outcome = |fields| Grpc::new().classify(Ok(&head(200, fields)) as NoError<'_>);
    assert_eq!(outcome(&[]), Outcome::Success);
    assert_eq!(outcome(&[("grpc-status", "8")]), Outcome::rate_limited(None));
    let pushed = outcome(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")]);
    assert_eq!(pushed, Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::Never));
}

#[tokio::test(start_paused = true)]
async fn causes_of_an_error_are_classified() {
    let rejected = Rejected::new(Reason::CircuitOpen, "x").with_retry_after(Duration::from_secs(1));
    assert_eq!(failed(&Http::new(), Wrapped(rejected.into())), Outcome::rejected(Some(Duration::from_secs(1))));
    assert_eq!(failed(&Http::new(), "connection reset"), Outcome::failure(FailureKind::Network));
    let slow = io::Error::from(io::ErrorKind::TimedOut);
    assert_eq!(failed(&Http::new(), Wrapped(slow.into())), Outcome::failure(FailureKind::Timeout));
    let elapsed = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(failed(&Grpc::new(), elapsed), Outcome::failure(FailureKind::Timeout));
}

#[test]
fn timeout_rejection_is_a_failure() {
    let attempt = failed(&Http::new(), Rejected::new(Reason::AttemptTimeout, "x"));
    assert_eq!(attempt, Outcome::failure(FailureKind::Timeout));
    let total = failed(&Http::new(), Rejected::new(Reason::TotalTimeout, "x"));
    assert_eq!((total.class(), total.repeat()), (Class::Failure, Repeat::Never));
}

/// The caller disconnected while its request was sent on, which is not the server's failure.
#[tokio::test]
async fn failed_request_body_is_ignored() {
    let source = Full::new(Bytes::from("x")).map_err(BoxError::from).map_frame(|frame| frame);
    let source = source.with_trailers(async { Some(Err(BoxError::from("gone"))) });
    let error = Replayable::new(Box::pin(source)).collect().await.unwrap_err();
    assert_eq!(failed(&Http::new(), Wrapped(error.into())), Outcome::ignored());
}

/// An attempt that this process ended: not the server's failure, and not a response for the caller.
#[tokio::test]
async fn attempt_without_its_body_is_rejected() {
    let chunks = ["x", "y"].map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))));
    let mut first = Replayable::with_limit(StreamBody::new(futures_util::stream::iter(chunks)), 1);
    let copy = first.replay().unwrap();
    while first.frame().await.is_some() {}
    let error = copy.collect().await.unwrap_err();
    assert_eq!(failed(&Http::new(), Wrapped(error.into())), Outcome::rejected(None));
}

#[derive(Debug)]
struct Typed(Option<Rejected>);

impl From<Rejected> for Typed {
    fn from(rejected: Rejected) -> Self {
        Self(Some(rejected))
    }
}

impl Refusal for Typed {
    fn rejected(&self) -> Option<&Rejected> {
        self.0.as_ref()
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        self.rejected().map(|rejected| rejected as _)
    }
}

#[test]
fn rejection_of_a_typed_error_is_found() {
    let outcome = |error: &Typed| Classify::<Response<()>, _>::classify(&Http::new(), Err(error));
    assert_eq!(outcome(&Rejected::new(Reason::Draining, "x").into()), Outcome::rejected(None));
    assert_eq!(outcome(&Typed(None)), Outcome::failure(FailureKind::Network));
}

#[derive(Debug)]
enum Sourced {
    Refused(Rejected),
    Client(BoxError),
}

impl From<Rejected> for Sourced {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl Refusal for Sourced {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Client(_) => None,
        }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Client(error) => Some(error.as_ref()),
        }
    }
}

/// Defect: an error that was ignored in a box was a failure of the network in a typed error, and opened the breaker.
#[test]
fn typed_error_has_the_outcome_of_a_boxed_one() {
    let errors: [fn() -> BoxError; 4] = [
        || io::Error::from(io::ErrorKind::ConnectionRefused).into(),
        || io::Error::from(io::ErrorKind::TimedOut).into(),
        || Wrapped(io::Error::from_raw_os_error(24).into()).into(),
        || "anything else".into(),
    ];
    for error in errors {
        let boxed = |policy: &Http| Classify::<Response<()>, _>::classify(policy, Err(&error()));
        let typed = |policy: &Http| Classify::<Response<()>, _>::classify(policy, Err(&Sourced::Client(error())));
        assert_eq!(boxed(&Http::new()), typed(&Http::new()), "{}", error());
        assert_eq!(own_limit(&error()), own_limit(&Sourced::Client(error())));
        let grpc = Classify::<Response<()>, _>::classify(&Grpc::new(), Err(&Sourced::Client(error())));
        assert_eq!(grpc, boxed(&Http::new()));
    }
    assert_eq!(classify_error(&Sourced::from(Rejected::new(Reason::Draining, "x"))), Outcome::rejected(None));
}

#[test]
fn only_safe_requests_are_repeated() {
    fn after_sent<P: Replay<Request<&'static str>>>(policy: &P, request: &Request<&'static str>) -> Option<bool> {
        policy.replay(request).map(|copy| copy.may_follow(&Outcome::failure(FailureKind::Network)))
    }

    let post = || Request::post("/orders").body("x").unwrap();
    assert_eq!(after_sent(&Http::new(), &post()), Some(false));
    assert_eq!(after_sent(&Http::new(), &Request::put("/orders/1").body("x").unwrap()), Some(true));
    assert_eq!(after_sent(&Http::new().repeating_any_method(), &post()), Some(true));
    let mut once = post();
    once.extensions_mut().insert(Retryable::No);
    assert_eq!(after_sent(&Http::new().repeating_any_method(), &once), None);
    let keyed = Request::post("/orders").header("idempotency-key", "1").body("x").unwrap();
    assert_eq!(after_sent(&Http::new(), &keyed), Some(true));

    assert_eq!(after_sent(&Grpc::new(), &post()), Some(false));
    assert_eq!(after_sent(&Grpc::new().repeating_any_method(), &post()), Some(true));
    assert_eq!(after_sent(&Grpc::new().repeating_any_method(), &once), None);
}

/// Defect: a POST whose connection was refused was not sent again, although nothing was sent.
#[test]
fn post_that_was_not_sent_is_repeated() {
    let copy = Http::new().replay(&Request::post("/orders").body("x").unwrap()).unwrap();
    assert!(copy.may_follow(&Outcome::failure(FailureKind::Connect)));
    assert!(copy.may_follow(&Outcome::rejected(None)));
    for sent in [Outcome::failure(FailureKind::Timeout), Outcome::overloaded(None), Outcome::ignored()] {
        assert!(!copy.may_follow(&sent), "{sent:?}");
    }
}

#[test]
fn copy_has_every_part_of_the_request() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mine(u8);

    let request = Request::put("https://a.example/x?y")
        .version(http::Version::HTTP_2)
        .header("accept", "a")
        .header("accept", "b")
        .extension(Mine(7))
        .body(Full::new(Bytes::from("body")))
        .unwrap();
    let kept = Http::new().replay(&request).unwrap().into_request();
    assert!(Replay::<Request<_>>::is_intact(&Http::new(), &kept));
    let copy = Request::from(kept);
    assert_eq!((copy.method(), copy.uri(), copy.version()), (request.method(), request.uri(), request.version()));
    assert_eq!(copy.headers(), request.headers());
    assert_eq!(copy.extensions().get(), Some(&Mine(7)));
    assert_eq!(copy.body().replay().map(|body| format!("{body:?}")), Some(format!("{:?}", request.body())));
}

#[test]
fn context_is_kept_in_the_request_and_its_copies() {
    let mut request = Request::get("/").body(()).unwrap();
    assert!(Http::new().context(&request).is_none());
    Http::new().set_context(&mut request, RequestContext::new().with_attempt(2));
    let copy = Request::from(Grpc::new().replay(&request).unwrap().into_request());
    assert_eq!(Grpc::new().context(&copy).map(|context| context.attempt), Some(2));
}

#[test]
fn degraded_response_is_marked_and_has_the_header_only_if_enabled() {
    let degraded = Degraded { step: "cache".into(), age: Some(Duration::from_secs(3)) };
    let mut response = head(200, &[]);
    Http::new().mark(&mut response, &degraded);
    assert_eq!(response.extensions().get(), Some(&degraded));
    assert!(response.headers().is_empty());
    Http::new().with_degraded_header().mark(&mut response, &degraded);
    assert_eq!(response.headers()["x-degraded"], "cache");

    let mut response = head(200, &[]);
    let invalid = Degraded { step: "a\nb".into(), age: None };
    Grpc::new().with_degraded_header().mark(&mut response, &invalid);
    assert!(response.headers().is_empty() && response.extensions().get::<Degraded>().is_some());
}

#[test]
fn draining_policy_behaves_as_the_inner_policy() {
    let policy = Http::new().repeating_any_method().draining();
    let response = Response::builder().status(StatusCode::BAD_GATEWAY).body(Full::new(Bytes::new())).unwrap();
    assert_eq!(policy.classify(Ok::<_, &BoxError>(&response)), Outcome::failure(FailureKind::Unavailable));
    // Outside a runtime the body is dropped unread.
    policy.discard(Ok::<_, BoxError>(response));
    let mut request = Request::from(policy.replay(&Request::post("/").body("x").unwrap()).unwrap().into_request());
    policy.set_context(&mut request, RequestContext::new().with_attempt(1));
    assert_eq!(policy.context(&request).map(|context| context.attempt), Some(1));
}

#[derive(Debug)]
struct Wrapped(BoxError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapped")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// A policy and each of its wrappers forward every part: a wrapper that forgot one switched it off without a word.
#[test]
fn wrappers_forward_every_part_of_a_policy() {
    fn check<P: Contextual<Request<&'static str>> + Replay<Request<&'static str>> + Mark<Response<()>>>(policy: &P) {
        let mut request = Request::post("/").header("grpc-timeout", "5S").body("x").unwrap();
        request.extensions_mut().insert(mainstay_core::UploadClock::new(Duration::from_secs(1)));
        assert!(policy.carries_context());
        policy.set_context(&mut request, RequestContext::new().with_attempt(2));
        policy.change_context(&mut request, |context| context.limit_attempt(Duration::from_secs(3)));
        let context = policy.context(&request).unwrap();
        assert_eq!((context.attempt, context.attempt_timeout), (2, Some(Duration::from_secs(3))));
        assert!(policy.upload_clock(&request).is_some());
        assert!(
            policy.replay(&request).is_some_and(|copy| copy.is_only_if_unsent() && policy.is_intact(copy.request()))
        );
        let mut response = Response::new(());
        policy.mark(&mut response, &Degraded { step: "cache".into(), age: None });
        assert!(response.extensions().get::<Degraded>().is_some());
    }
    use mainstay_core::HeadOnly;
    check(&Http::new());
    check(&Http::new().draining());
    check(&HeadOnly(Http::new()));
    check(&Grpc::new());
    check(&Grpc::new().draining());
    check(&HeadOnly(Grpc::new().draining()));
    let request = Request::post("/").header("grpc-timeout", "5S").body("x").unwrap();
    let timeout = Some(Duration::from_secs(5));
    assert_eq!(Grpc::new().draining().caller_timeout(&request), timeout);
    assert_eq!(HeadOnly(Grpc::new()).caller_timeout(&request), timeout);
}
