//! A probe under a retry layer, with a policy that classifies numbers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_core::{
    Backoff, BoxError, Classify, Contextual, FailureKind, Jitter, Outcome, Plain, Refusal, Repeat, Replay,
    RequestContext, RequestCopy,
    test::{Answer, Probe, Reply, Request, call},
};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings, StopReasonCounts};
use tokio::time::Instant;
use tower::Layer;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const OK: u64 = 200;
pub(crate) const NOT_FOUND: u64 = 404;
pub(crate) const FAILED: u64 = 500;
pub(crate) const BUSY: u64 = 503;
pub(crate) const NEVER: u64 = 599;
/// Ignored, but may be repeated.
pub(crate) const REPEATABLE: u64 = 408;
/// The connection was refused: nothing was sent.
pub(crate) const UNSENT: u64 = 5;

/// An overload with a `Retry-After` of this many milliseconds.
pub(crate) fn busy_for(millis: u64) -> u64 {
    BUSY_FOR + millis
}

const BUSY_FOR: u64 = 429_000;

/// The id of a request that cannot be copied.
pub(crate) const NO_COPY: u64 = 13;

/// The id of a request that may be sent again only if it was never sent.
pub(crate) const SENT_ONCE: u64 = 12;

/// The id of a request whose copy is no longer intact.
pub(crate) const LOST_COPY: u64 = 14;

/// Classifies answers by number, and records copies and discarded results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes {
    copied: Arc<Mutex<u32>>,
    discarded: Arc<Mutex<Vec<String>>>,
}

/// A probe under a retry layer.
pub(crate) struct Harness {
    pub(crate) probe: Probe,
    pub(crate) retrier: Retrier,
    pub(crate) policy: Codes,
    pub(crate) service: mainstay_retry::Retry<Probe, Codes, mainstay_core::Boxed>,
}

// === impl Codes ===

impl Codes {
    pub(crate) fn copied(&self) -> u32 {
        *self.copied.lock().expect("unpoisoned")
    }

    pub(crate) fn discarded(&self) -> Vec<String> {
        self.discarded.lock().expect("unpoisoned").clone()
    }
}

impl<E: Refusal + ToString> Classify<Answer, E> for Codes {
    fn classify(&self, result: Result<&Answer, &E>) -> Outcome {
        let repeat = |repeat| Outcome::failure(FailureKind::Unavailable).with_repeat(repeat);
        match result.map(|answer| answer.value) {
            Ok(NOT_FOUND) => Outcome::ignored(),
            Ok(REPEATABLE) => Outcome::ignored().with_repeat(Repeat::Backoff),
            Ok(UNSENT) => Outcome::failure(FailureKind::Connect),
            Ok(FAILED) => repeat(Repeat::Backoff),
            Ok(NEVER) => repeat(Repeat::Never),
            Ok(BUSY) => Outcome::overloaded(None),
            Ok(wait) if wait >= BUSY_FOR => Outcome::overloaded(Some(Duration::from_millis(wait - BUSY_FOR))),
            Ok(_) => Outcome::Success,
            Err(error) => Plain.classify(Err::<&Answer, _>(error)),
        }
    }

    fn discard(&self, result: Result<Answer, E>) {
        let shown = result.map_or_else(|error| error.to_string(), |answer| answer.value.to_string());
        self.discarded.lock().expect("unpoisoned").push(shown);
    }
}

impl Replay<Request> for Codes {
    type Kept = Request;

    fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
        *self.copied.lock().expect("unpoisoned") += 1;
        match request.id {
            NO_COPY => None,
            SENT_ONCE => Some(RequestCopy::only_if_unsent(request.clone())),
            _ => Some(RequestCopy::new(request.clone())),
        }
    }

    fn is_intact(&self, copy: &Request) -> bool {
        copy.id != LOST_COPY
    }
}

impl Contextual<Request> for Codes {
    fn carries_context(&self) -> bool {
        true
    }

    fn upload_clock<'a>(&self, request: &'a Request) -> Option<&'a mainstay_core::UploadClock> {
        request.upload_clock.as_ref()
    }

    fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
        request.context.as_ref()
    }

    fn set_context(&self, request: &mut Request, context: RequestContext) {
        request.context = Some(context);
    }
}

// === impl Harness ===

impl Harness {
    pub(crate) fn new(retrier: Retrier) -> Self {
        let (probe, policy) = (Probe::new(), Codes::default());
        let layer = RetryLayer::with(retrier.clone()).with_policy(policy.clone());
        let service = layer.layer(probe.clone());
        Self { probe, retrier, policy, service }
    }

    /// Creates a harness over [`plain`].
    pub(crate) fn plain() -> Self {
        Self::new(plain())
    }

    pub(crate) fn answers(&self, answers: &[u64]) {
        answers.iter().for_each(|answer| self.reply(Reply::Answer(*answer)));
    }

    /// Adds a reply of the probe. (`ServiceExt` has a `then` too.)
    pub(crate) fn reply(&self, reply: Reply) {
        self.probe.then(reply);
    }

    /// AttemptQuota a request. Returns its answer and its duration.
    pub(crate) async fn call(&mut self, request: Request) -> (Result<u64, BoxError>, Duration) {
        let start = Instant::now();
        let result = call(&mut self.service, request).await.map(|answer| answer.value);
        (result, start.elapsed())
    }

    /// AttemptQuota a request that must be answered. Returns the answer.
    pub(crate) async fn get(&mut self) -> u64 {
        self.call(Request::new(1)).await.0.expect("an answer")
    }

    pub(crate) fn stopped(&self) -> StopReasonCounts {
        self.retrier.snapshot().stopped
    }
}

/// A handle without a budget; delays of 100 ms, 200 ms, ... without jitter.
pub(crate) fn plain() -> Retrier {
    with(RetrySettings::default())
}

/// A handle without budget and jitter, with these settings.
pub(crate) fn with(mut settings: RetrySettings) -> Retrier {
    settings.backoff.jitter = Jitter::None;
    Retrier::with_settings("orders", settings).expect("valid settings").without_budget()
}

/// A handle without budget and delay.
pub(crate) fn quick(max_attempts: u32) -> Retrier {
    with(RetrySettings { max_attempts, backoff: Backoff::none(), ..RetrySettings::default() })
}
