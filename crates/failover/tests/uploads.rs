//! Requests whose bodies are on their way for long: the time of the caller is not that of an endpoint.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{future::pending, time::Duration};

use mainstay_core::{
    BoxError, Classify, Contextual, Follow, Outcome, Plain, Replay, RequestCopy, UploadClock,
    test::{Answer, ProbePolicy, Request},
};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverSnapshot, FailoverState};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tower::{ServiceExt, service_fn, util::BoxCloneService};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// The longest pause of a caller.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The time between two pieces of a body.
const PACE: Duration = Duration::from_millis(100);
/// The number of a request whose caller stops in the middle of its body.
const STALLED: u64 = u64::MAX;

/// What an endpoint does when it has the whole body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Answer,
    Hang,
}

/// An endpoint that takes the body, of as many pieces as the request's number.
async fn take(request: Request, then: Then) -> Result<Answer, BoxError> {
    if let Some(clock) = &request.upload_clock {
        for _ in 0..request.id {
            clock.record_wait();
            match request.id {
                STALLED => pending().await,
                _ => sleep(PACE).await,
            }
            clock.record_piece();
        }
    }
    sleep(5 * MS).await;
    match then {
        Then::Answer => Ok(Answer::from(1)),
        Then::Hang => pending().await,
    }
}

type Client = BoxCloneService<Request, Answer, BoxError>;

fn endpoint(name: &'static str, then: Then) -> Endpoint<Client> {
    let service = BoxCloneService::new(service_fn(move |request| take(request, then)));
    Endpoint::new(name, service).with_probe(|| async { true })
}

fn failover(primary: Then, settings: FailoverSettings) -> Failover<Client> {
    Failover::with_settings("x", [endpoint("primary", primary), endpoint("backup", Then::Answer)], settings).unwrap()
}

/// Sends requests, one each 50 ms, whose callers leave after `leaves`, and waits for their ends. Returns how many were
/// answered.
async fn send<P>(failover: &Failover<Client, P>, n: u64, request: impl Fn(u64) -> Request, leaves: Duration) -> usize
where
    P: Classify<Answer, BoxError> + Follow<Answer> + Replay<Request, Kept = Request> + Contextual<Request>,
    P: Clone + Send + Sync + 'static,
{
    let mut requests = JoinSet::new();
    for n in 0..n {
        requests.spawn(timeout(leaves, failover.clone().oneshot(request(n))));
        sleep(50 * MS).await;
    }
    requests.join_all().await.into_iter().filter(|end| matches!(end, Ok(Ok(_)))).count()
}

/// Asserts that nothing was counted against the primary.
fn assert_blameless(snapshot: &FailoverSnapshot) {
    let primary = &snapshot.endpoints[0];
    assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0), "{snapshot}");
    assert_eq!((snapshot.second_attempts.on_delay, primary.suspensions), (0, 0), "{snapshot:#?}");
    assert_eq!((primary.consecutive_failures, primary.breaker.failures), (0, 0), "{snapshot:#?}");
}

fn upload(pieces: u64) -> Request {
    Request::new(pieces).with_upload_clock(UploadClock::new(MAX_PAUSE))
}

/// As [`ProbePolicy`], for requests that must not be sent twice.
#[derive(Clone, Copy)]
struct Once;

impl Classify<Answer, BoxError> for Once {
    fn classify(&self, result: Result<&Answer, &BoxError>) -> Outcome {
        Plain.classify(result)
    }
}

impl Follow<Answer> for Once {}

impl Replay<Request> for Once {
    type Kept = Request;

    fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
        // Of some there is no copy at all.
        request.id.is_multiple_of(2).then(|| RequestCopy::only_if_unsent(request.clone()))
    }
}

impl Contextual<Request> for Once {
    fn upload_clock<'a>(&self, request: &'a Request) -> Option<&'a UploadClock> {
        request.upload_clock.as_ref()
    }
}

/// Earlier, the primary was left: "20 of 20 calls failed".
#[tokio::test(start_paused = true)]
async fn uploads_of_slow_callers_count_for_nothing() {
    for warm in [0, 40] {
        let failover = failover(Then::Answer, FailoverSettings::default());
        let repeatable = failover.clone().with_policy(ProbePolicy);
        let once = failover.clone().with_policy(Once);
        send(&once, warm, |_| Request::new(0), SECOND).await;
        let delay = || failover.handle().snapshot().endpoints[0].second_attempt_delay;
        let before = delay();
        for pieces in [24, 25] {
            assert_eq!(send(&once, 30, |_| upload(pieces), 10 * SECOND).await, 30);
            assert_eq!(send(&repeatable, 30, |_| upload(pieces), 10 * SECOND).await, 30);
        }
        assert_blameless(&failover.handle().snapshot());
        // The time of the caller is none of the endpoint.
        assert!(delay() <= before, "{before:?} {:?}", delay());
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_that_never_end_count_for_nothing() {
    for leaves in [3 * SECOND, 50 * SECOND] {
        let failover = failover(Then::Answer, FailoverSettings::default());
        let repeatable = failover.clone().with_policy(ProbePolicy);
        let once = failover.clone().with_policy(Once);
        send(&once, 40, |_| Request::new(0), SECOND).await;
        assert_eq!(send(&once, 30, |_| upload(STALLED), leaves).await, 0);
        assert_eq!(send(&repeatable, 30, |_| upload(STALLED), leaves).await, 0);
        assert_blameless(&failover.handle().snapshot());
    }
}

/// The delay runs from the last byte of the body.
#[tokio::test(start_paused = true)]
async fn second_attempt_starts_at_its_delay_after_the_upload() {
    let failover = failover(Then::Hang, FailoverSettings::default());
    let start = Instant::now();
    let answer = failover.clone().with_policy(ProbePolicy).oneshot(upload(25)).await;
    // The body is sent to the backup too: 2.5 s, the delay, and 2.5 s.
    assert_eq!((answer.unwrap().value, start.elapsed()), (1, 6 * SECOND + 5 * MS));
    assert_eq!(failover.handle().snapshot().second_attempts.on_delay, 1);
}

/// A trial call of an endpoint without a probe may upload for longer than its lease.
#[tokio::test(start_paused = true)]
async fn trial_call_that_uploads_does_not_fail_by_its_lease() {
    let only = Endpoint::new("only", BoxCloneService::new(service_fn(|request| take(request, Then::Answer))));
    let settings = FailoverSettings { trial_lease: SECOND, ..FailoverSettings::default() };
    let failover = Failover::with_settings("x", [only], settings).unwrap().with_policy(ProbePolicy);
    while let Some(active) = failover.handle().active() {
        failover.handle().record_failure(&active);
    }
    sleep(SECOND).await;
    let epoch = failover.handle().snapshot().endpoints[0].breaker.openings;
    // The lease of the upload ends, and the next trial call may begin.
    tokio::spawn(failover.clone().oneshot(upload(STALLED)));
    sleep(2 * SECOND).await;
    for _ in 0..3 {
        failover.clone().oneshot(Request::new(0)).await.unwrap();
    }
    let snapshot = failover.handle().snapshot();
    assert_eq!(
        (snapshot.state, snapshot.endpoints[0].breaker.openings),
        (FailoverState::OnPrimary, epoch),
        "{snapshot}"
    );
}
