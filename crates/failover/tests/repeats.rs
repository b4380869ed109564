//! A repeat by a layer outside, such as retry: where it goes, and what the attempts of one request count for together.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{Fate, Script, settings};
use mainstay_core::{
    BoxError, Classify, Contextual, FailureKind, Follow, Outcome, Plain, Replay, RequestContext, RequestCopy,
    test::Request,
};
use mainstay_failover::{
    Endpoint, Failover, FailoverHandle, FailoverSettings,
    stack::{Standard, StandardSettings},
};
use mainstay_retry::{Retrier, Retry, RetrySettings};
use mainstay_timeout::{TimeLimit, Timeout};
use tower::{Service, ServiceExt, service_fn, util::BoxCloneSyncService};

const MS: Duration = Duration::from_millis(1);

/// A policy of a user, with a context.
#[derive(Clone, Copy, Debug)]
struct WithContext;

impl<Res> Classify<Res, BoxError> for WithContext {
    fn classify(&self, result: Result<&Res, &BoxError>) -> Outcome {
        Plain.classify(result)
    }
}

impl<Res> Follow<Res> for WithContext {}

impl Replay<Request> for WithContext {
    type Kept = Request;

    fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl Contextual<Request> for WithContext {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
        request.context.as_ref()
    }

    fn set_context(&self, request: &mut Request, context: RequestContext) {
        request.context = Some(context);
    }
}

type Answer = Result<&'static str, BoxError>;
type Boxed = BoxCloneSyncService<Request, &'static str, BoxError>;

fn scripts<const N: usize>(names: [&'static str; N]) -> [Script; N] {
    names.map(Script::new)
}

fn endpoint(script: &Script) -> Endpoint<Boxed> {
    let service = script.clone().map_request(|_: Request| 1);
    Endpoint::new(script.name(), BoxCloneSyncService::new(service))
}

fn failover(scripts: &[Script], settings: FailoverSettings) -> Failover<Boxed, WithContext> {
    Failover::with_settings("x", scripts.iter().map(endpoint), settings).unwrap().with_policy(WithContext)
}

/// Retries without a budget and with short delays.
fn retry<S: Clone>(service: S, attempts: u32) -> Retry<S, WithContext, mainstay_core::Boxed> {
    let mut settings = RetrySettings { max_attempts: attempts, attempt_quota: 100, ..RetrySettings::default() };
    (settings.backoff.base, settings.backoff.cap) = (10 * MS, 10 * MS);
    Retry::new(service, Retrier::with_settings("x", settings).unwrap().without_budget(), WithContext)
}

fn without_second_attempts() -> FailoverSettings {
    FailoverSettings { second_attempt: None, ..settings() }
}

async fn ask(service: &(impl Service<Request, Response = &'static str, Error = BoxError> + Clone)) -> Answer {
    service.clone().oneshot(Request::new(1)).await
}

fn calls<const N: usize>(scripts: &[Script; N]) -> [usize; N] {
    std::array::from_fn(|index| scripts[index].calls())
}

/// Returns, for each endpoint, its consecutive failures and the failures that were compared.
fn counted(handle: &FailoverHandle) -> Vec<(u32, u32)> {
    let endpoints = handle.snapshot().endpoints;
    endpoints.iter().map(|endpoint| (endpoint.consecutive_failures, endpoint.compared.hits)).collect()
}

#[tokio::test(start_paused = true)]
async fn repeat_in_the_standard_stack_goes_to_an_endpoint_that_was_not_asked() {
    let scripts = scripts(["a", "b"]);
    let settings = StandardSettings { failover: without_second_attempts(), ..StandardSettings::default() };
    let standard = Standard::new("x", scripts.iter().map(endpoint), settings).unwrap().with_policy(WithContext);
    let (handle, stack) = (standard.handles().failover.clone(), standard.build());
    scripts[0].set(Fate::Fail);
    assert_eq!(ask(&stack).await.unwrap(), "b");
    assert_eq!(calls(&scripts), [1, 1]);
    assert_eq!(counted(&handle), [(1, 1), (0, 0)], "the answer of b proves the failure of a");
}

#[tokio::test(start_paused = true)]
async fn repeat_with_the_http_policy_goes_to_an_endpoint_that_was_not_asked() {
    use bytes::Bytes;
    use http_body_util::Full;
    use mainstay_http::{Http, box_body};

    let respond = |status: u16| {
        let service = service_fn(move |_: http::Request<Full<Bytes>>| async move {
            Ok::<_, BoxError>(http::Response::builder().status(status).body(Full::new(Bytes::new()))?)
        });
        service.map_response(box_body)
    };
    for second_attempt in [None, settings().second_attempt] {
        for [first, second] in [[500, 200], [503, 200], [200, 200]] {
            let endpoints = [Endpoint::new("a", respond(first)), Endpoint::new("b", respond(second))];
            let failover = FailoverSettings { second_attempt: second_attempt.clone(), ..settings() };
            let settings = StandardSettings { failover, ..StandardSettings::default() };
            let standard = Standard::new("x", endpoints, settings).unwrap().with_policy(Http::new());
            let (handle, stack) = (standard.handles().failover.clone(), standard.build());
            let request = http::Request::get("/").body(Full::new(Bytes::new())).unwrap();
            assert_eq!(stack.oneshot(request).await.unwrap().status(), 200);
            assert_eq!(counted(&handle)[0].1, u32::from(first != 200));
        }
    }
}

/// 429 is a limit for the caller. The backup answers it only where second attempts may.
#[tokio::test(start_paused = true)]
async fn repeat_after_a_limit_of_the_caller_stays_at_its_endpoint() {
    #[derive(Clone, Copy, Debug)]
    struct Limits;
    impl Classify<&'static str, BoxError> for Limits {
        fn classify(&self, result: Result<&&'static str, &BoxError>) -> Outcome {
            if result.is_ok() { Outcome::Success } else { Outcome::rate_limited(None) }
        }
    }
    impl Follow<&'static str> for Limits {}
    impl Replay<Request> for Limits {
        type Kept = Request;

        fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
            WithContext.replay(request)
        }
    }
    impl Contextual<Request> for Limits {
        fn carries_context(&self) -> bool {
            true
        }

        fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
            WithContext.context(request)
        }
        fn set_context(&self, request: &mut Request, context: RequestContext) {
            WithContext.set_context(request, context);
        }
    }
    let scripts = scripts(["a", "b"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, settings()).with_policy(Limits);
    let stack = Retry::<_, _, mainstay_core::Boxed>::new(failover, Retrier::network("x"), Limits);
    assert!(ask(&stack).await.is_err());
    assert_eq!((scripts[0].calls() > 1, scripts[1].calls()), (true, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_context_each_attempt_is_a_request_of_its_own() {
    let scripts = scripts(["a", "b"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, without_second_attempts()).with_policy(Plain);
    let handle = failover.handle().clone();
    let retrier = Retrier::with_settings("x", RetrySettings { max_attempts: 2, ..RetrySettings::default() }).unwrap();
    let stack = Retry::<_, _, mainstay_core::Boxed>::new(failover, retrier, Plain);
    assert!(ask(&stack).await.is_err());
    assert_eq!(calls(&scripts), [2, 0]);
    assert_eq!(counted(&handle), [(2, 0), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn request_that_fails_everywhere_counts_once_for_its_first_endpoint_only() {
    let scripts = scripts(["a", "b"]);
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    let failover = failover(&scripts, without_second_attempts());
    let handle = failover.handle().clone();
    assert!(ask(&retry(failover, 4)).await.is_err());
    assert_eq!(calls(&scripts), [3, 1], "with none left that was not asked, the primary");
    assert_eq!(handle.snapshot().failed_everywhere, 1);
    // The failure of a was counted before b was asked.
    assert_eq!(counted(&handle), [(1, 0), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn request_counts_once_against_a_single_endpoint() {
    let scripts = scripts(["a"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, settings());
    let handle = failover.handle().clone();
    let stack = retry(failover, 5);
    assert!(ask(&stack).await.is_err());
    let snapshot = handle.snapshot();
    assert_eq!((scripts[0].calls(), counted(&handle), snapshot.failed_everywhere), (5, vec![(1, 0)], 0));
    // A success always counts.
    scripts[0].set(Fate::Answer);
    ask(&stack).await.unwrap();
    assert_eq!(counted(&handle), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn second_attempts_and_repeats_ask_each_endpoint_once() {
    let scripts = scripts(["a", "b", "c", "d"]);
    scripts[..3].iter().for_each(|script| script.set(Fate::Fail));
    let failover = failover(&scripts, settings());
    let handle = failover.handle().clone();
    assert_eq!(ask(&retry(failover, 3)).await.unwrap(), "d");
    assert_eq!(calls(&scripts), [1, 1, 1, 1], "a, then b in a second attempt; then c, and d in a second attempt");
    let hits: Vec<_> = counted(&handle).iter().map(|(_, hits)| *hits).collect();
    assert_eq!(hits, [1, 1, 1, 0], "the answer of d proves the failures of all others");
    assert_eq!(handle.snapshot().failed_everywhere, 1);
}

/// The history of a request has room for 16 endpoints. Each attempt at a later one is a request of its own.
#[tokio::test(start_paused = true)]
async fn sixteen_endpoints_are_remembered() {
    let names: [&'static str; 18] = std::array::from_fn(|index| &*format!("e{index}").leak());
    let scripts = scripts(names);
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    let stack = retry(failover(&scripts, without_second_attempts()), 19);
    assert!(ask(&stack).await.is_err());
    let calls = calls(&scripts);
    assert_eq!(calls[..16], [1; 16]);
    assert_eq!(calls[16..], [3, 0]);
}

#[tokio::test(start_paused = true)]
async fn forced_and_dry_run_leave_a_repeat_no_choice() {
    let scripts = scripts(["a", "b"]);
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    let forced = failover(&scripts, settings());
    forced.handle().force("b", "test").unwrap();
    assert!(ask(&retry(forced, 3)).await.is_err());
    assert_eq!(calls(&scripts), [0, 3]);
    let dry_run = failover(&scripts, FailoverSettings { dry_run: true, ..settings() });
    assert!(ask(&retry(dry_run, 3)).await.is_err());
    assert_eq!(calls(&scripts), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn retry_outside_of_two_failovers_finds_the_last_endpoint() {
    let scripts = scripts(["a", "b", "c"]);
    [&scripts[0], &scripts[2]].iter().for_each(|script| script.set(Fate::Fail));
    let inner = failover(&scripts[..2], without_second_attempts());
    let inner_handle = inner.handle().clone();
    let endpoints = [Endpoint::new("inner", BoxCloneSyncService::new(inner)), endpoint(&scripts[2])];
    let outer =
        Failover::with_settings("outer", endpoints, without_second_attempts()).unwrap().with_policy(WithContext);
    let outer_handle = outer.handle().clone();
    assert_eq!(ask(&retry(outer, 3)).await.unwrap(), "b", "a in the inner one, then c, then b in the inner one");
    assert_eq!(calls(&scripts), [1, 1, 1]);
    assert_eq!(counted(&inner_handle), [(1, 1), (0, 0)]);
    // Of the outer one, `inner` has failed first and then answered.
    assert_eq!(counted(&outer_handle)[1].1, 1);
}

#[tokio::test(start_paused = true)]
async fn repeat_after_a_timeout_outside_of_the_failover_goes_elsewhere() {
    let scripts = scripts(["a", "b"]);
    scripts[0].set(Fate::Hang);
    let failover = failover(&scripts, without_second_attempts());
    let handle = failover.handle().clone();
    let timed = |limit| {
        let limit = TimeLimit::attempt("x", limit).unwrap();
        retry(Timeout::<_, _, mainstay_core::Boxed>::new(failover.clone(), limit, WithContext), 3)
    };
    assert_eq!(ask(&timed(100 * MS)).await.unwrap(), "b");
    assert_eq!(counted(&handle), [(0, 0), (0, 0)], "a caller who gives up early says nothing");
    assert_eq!(ask(&timed(1_500 * MS)).await.unwrap(), "b");
    assert_eq!(counted(&handle), [(1, 1), (0, 0)], "a was given up on after a second, and b has answered");
    assert_eq!((scripts[0].live(), scripts[0].calls()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn request_that_is_dropped_between_its_attempts_leaves_no_trace_for_others() {
    let scripts = scripts(["a", "b"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, without_second_attempts());
    let handle = failover.handle().clone();
    let stack = retry(failover, 3);
    // The first attempt has failed, and the retry waits for its delay.
    let mut dropped = tokio_test::task::spawn(ask(&stack));
    assert!(dropped.poll().is_pending());
    drop(dropped);
    assert_eq!((calls(&scripts), counted(&handle)), ([1, 0], vec![(1, 0), (0, 0)]));
    scripts[0].set(Fate::Answer);
    assert_eq!(ask(&stack).await.unwrap(), "a", "another request starts at the primary");
}

/// What a request has found before an endpoint was suspended, or has changed, proves nothing afterwards.
#[tokio::test(start_paused = true)]
async fn proof_of_an_older_epoch_changes_nothing() {
    let scripts = scripts(["a", "b"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, without_second_attempts());
    let handle = failover.handle().clone();
    let stack = retry(failover, 3);
    let mut waiting = tokio_test::task::spawn(ask(&stack));
    assert!(waiting.poll().is_pending());
    handle.take_out("a", "test").unwrap();
    handle.reset("test");
    assert_eq!(waiting.await.unwrap(), "b");
    assert_eq!(counted(&handle), [(0, 0), (0, 0)]);
}

/// The kind of a failure is kept over repeats: one that was not sent counts once in its own streak.
#[tokio::test(start_paused = true)]
async fn refused_connection_counts_once_for_each_request() {
    #[derive(Clone, Copy, Debug)]
    struct Connects;
    impl Classify<&'static str, BoxError> for Connects {
        fn classify(&self, result: Result<&&'static str, &BoxError>) -> Outcome {
            if result.is_ok() { Outcome::Success } else { Outcome::failure(FailureKind::Connect) }
        }
    }
    impl Follow<&'static str> for Connects {}
    impl Replay<Request> for Connects {
        type Kept = Request;

        fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
            WithContext.replay(request)
        }
    }
    impl Contextual<Request> for Connects {
        fn carries_context(&self) -> bool {
            true
        }

        fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
            WithContext.context(request)
        }
        fn set_context(&self, request: &mut Request, context: RequestContext) {
            WithContext.set_context(request, context);
        }
    }
    let scripts = scripts(["a"]);
    scripts[0].set(Fate::Fail);
    let failover = failover(&scripts, settings()).with_policy(Connects);
    let handle = failover.handle().clone();
    let stack = Retry::<_, _, mainstay_core::Boxed>::new(failover, Retrier::network("x"), Connects);
    for request in 1..=2 {
        assert!(ask(&stack).await.is_err());
        assert_eq!(counted(&handle)[0].0, request);
    }
    assert!(scripts[0].calls() > 2);
    assert!(ask(&stack).await.is_err());
    assert_eq!(handle.snapshot().active, None, "three requests could not be sent");
}
