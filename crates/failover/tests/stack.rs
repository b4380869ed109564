//! The standard stack: it composes without annotations, its layers agree, and its settings are checked together.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{Fate, Script, endpoints};
use mainstay_core::{BoxError, Budget, BudgetSettings, Class, Cost, Reason, Refusal, Rejected, check};
use mainstay_failover::{
    Endpoint, FailoverState,
    stack::{Standard, StandardHandles, StandardSettings, StandardStack},
};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

fn two(change: impl FnOnce(&mut StandardSettings)) -> (StandardStack<Script>, Standard<Script>, [Script; 2]) {
    let scripts = [Script::new("primary"), Script::new("backup")];
    let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
    change(&mut settings);
    let standard = || Standard::new("orders", endpoints(&scripts), settings.clone()).unwrap();
    let kept = standard();
    (standard().build(), kept, scripts)
}

#[tokio::test(start_paused = true)]
async fn composes_over_a_function_with_plain_requests() {
    let primary = service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id + 1) });
    let orders = Standard::new("orders", [Endpoint::new("primary", primary)], StandardSettings::default()).unwrap();
    let handles = orders.handles().clone();
    let orders = orders.build();
    // Cloned and in a task, as in a server.
    assert_eq!(tokio::spawn(orders.clone().oneshot(1)).await.unwrap().unwrap(), 2);
    assert_eq!(handles.endpoints[0].limit.snapshot().in_flight, 0);
    assert_eq!(handles.retry.snapshot().succeeded, 1);
    assert_eq!(handles.failover.snapshot().endpoints[0].breaker.successes, 1);
}

#[derive(Debug)]
enum MyError {
    Refused(Rejected),
    Backend,
}

impl From<Rejected> for MyError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<std::io::Error> for MyError {
    fn from(_: std::io::Error) -> Self {
        Self::Backend
    }
}

impl Refusal for MyError {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Backend => None,
        }
    }

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.rejected().map(|rejected| rejected as _)
    }
}

#[tokio::test(start_paused = true)]
async fn composes_with_a_typed_error() {
    let hung = service_fn(|_: u32| std::future::pending::<Result<u32, std::io::Error>>());
    let settings = StandardSettings::default();
    let orders = Standard::new("orders", [Endpoint::new("primary", hung)], settings).unwrap();
    let orders = check::<u32, u32, MyError, _>(orders.with_error::<MyError>().build());
    let error = orders.oneshot(1).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().outcome().class(), Class::Failure, "{error:?}");
}

/// Names only the policy; all other types are inferred.
#[test]
fn composes_over_hyper_util_reqwest_and_tonic() {
    use bytes::Bytes;
    use http_body_util::Full;
    use mainstay_http::{Grpc, Http, Reqwest, box_body};
    use tower::ServiceExt as _;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build_http::<Full<Bytes>>();
    let stack =
        Standard::new("hyper", [Endpoint::new("a", client.map_response(box_body))], StandardSettings::default())
            .unwrap();
    let _stack = check::<http::Request<Full<Bytes>>, _, _, _>(stack.with_policy(Http::new()).build());

    let client = reqwest::Client::new();
    let stack = Standard::new("reqwest", [Endpoint::new("a", client)], StandardSettings::default()).unwrap();
    let _stack = check::<reqwest::Request, _, _, _>(stack.with_policy(Reqwest::new()).build());

    let channel = tonic::transport::Endpoint::from_static("http://localhost").connect_lazy();
    let stack = Standard::new("tonic", [Endpoint::new("a", channel)], StandardSettings::default()).unwrap();
    let _stack = check::<http::Request<tonic::body::Body>, _, _, _>(stack.with_policy(Grpc::new()).build());
}

#[tokio::test(start_paused = true)]
async fn hung_primary_is_hidden_left_and_used_again_after_its_recovery() {
    let (stack, standard, [primary, _]) = two(|_| {});
    // Its handles are those of another stack; the answers show what this stack does.
    drop(standard);
    primary.set(Fate::Hang);
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(stack.clone().oneshot(1).await.unwrap(), "backup");
    }
    assert_eq!(start.elapsed(), 150 * MS, "three delays of 50 ms, then none");
    primary.set(Fate::Answer);
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(stack.clone().oneshot(1).await.unwrap(), "primary");
}

/// In a peer, local bulkhead refusals open the breaker of a healthy backend.
#[tokio::test(start_paused = true)]
async fn full_bulkhead_refuses_at_once_and_leaves_no_endpoint() {
    let scripts = [Script::new("primary"), Script::new("backup")];
    let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
    settings.bulkhead.limit = 1;
    settings.failover.second_attempt = None;
    let standard = Standard::new("orders", endpoints(&scripts), settings).unwrap();
    let handles = standard.handles().clone();
    let stack = standard.build();
    scripts[0].set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(stack.clone().oneshot(1));
    tokio::task::yield_now().await;
    for _ in 0..50 {
        let error: BoxError = stack.clone().oneshot(1).await.unwrap_err();
        let refusal = error.rejected().unwrap();
        assert_eq!((refusal.reason(), refusal.name().as_str()), (Reason::BulkheadFull, "primary"));
    }
    assert_eq!(slow.await.unwrap().unwrap(), "primary");
    assert_eq!(handles.failover.snapshot().state, FailoverState::OnPrimary);
    assert_eq!(handles.retry.snapshot().retries, 0, "our own refusal is not repeated");
    assert_eq!(scripts[1].calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempt_and_total_timeouts_end_the_call_and_drop_its_attempts() {
    let (stack, _, [primary, backup]) = two(|settings| {
        settings.attempt_timeout = 400 * MS;
        settings.total_timeout = Duration::from_secs(1);
    });
    primary.set(Fate::Hang);
    backup.set(Fate::Hang);
    let start = Instant::now();
    let error = stack.oneshot(1).await.unwrap_err();
    assert!(start.elapsed() <= Duration::from_secs(1));
    let reason = error.rejected().unwrap().reason();
    assert!(matches!(reason, Reason::AttemptTimeout | Reason::TotalTimeout), "{reason:?}");
    assert_eq!((primary.live(), backup.live()), (0, 0));
}

#[test]
fn contradictory_settings_are_refused_with_their_field() {
    let wrong = |change: fn(&mut StandardSettings), probed: bool| {
        let mut settings = StandardSettings::default();
        change(&mut settings);
        let endpoint = Endpoint::new("a", Script::new("a"));
        let endpoint = if probed { endpoint.with_probe(|| async { true }) } else { endpoint };
        let error = Standard::new("x", [endpoint], settings).unwrap_err();
        assert_eq!(error.owner(), Some("x"));
        error.to_string().split_off("x: ".len())
    };
    assert_eq!(
        wrong(|s| s.attempt_timeout = s.total_timeout, true),
        "attempt_timeout = 30s: must be below total_timeout, 30s"
    );
    let probe = wrong(|s| s.failover.probe.timeout = s.failover.probe.interval, true);
    assert_eq!(probe, "failover.probe.timeout = 5s: must be below interval, 5s");
    let lease = wrong(|s| s.failover.trial_lease = s.attempt_timeout, false);
    assert_eq!(lease, "attempt_timeout = 10s: must be below failover.trial_lease, 10s");
    assert!(wrong(|s| s.bulkhead.limit = 0, true).starts_with("bulkhead.limit = 0:"));
    assert!(wrong(|s| s.retry.max_attempts = 0, true).starts_with("retry.max_attempts = 0:"));
    assert!(wrong(|s| s.total_timeout = Duration::MAX, true).starts_with("total_timeout = "));
    let wait = |s: &mut StandardSettings| {
        s.bulkhead.queue = 10;
        s.bulkhead.max_wait = Some(Duration::from_secs(60));
    };
    assert!(wrong(wait, true).starts_with("bulkhead.max_wait = 1m: must be below total_timeout"));
}

#[test]
fn ineffective_settings_are_warnings() {
    let warned = |change: fn(&mut StandardSettings)| {
        let mut settings = StandardSettings::default();
        change(&mut settings);
        let standard = Standard::new("x", [Endpoint::new("a", Script::new("a"))], settings).unwrap();
        standard.warnings().iter().map(|warning| warning.field).collect::<Vec<_>>()
    };
    assert!(warned(|_| {}).is_empty(), "the defaults give no warning");
    assert_eq!(warned(|s| s.attempt_timeout = 40 * MS), ["failover.second_attempt.delay"]);
    assert_eq!(warned(|s| s.attempt_timeout = Duration::from_secs(20)), ["retry.max_attempts"]);
    assert_eq!(warned(|s| s.retry.deadline = Some(Duration::from_secs(60))), ["retry.deadline"]);
    assert_eq!(
        warned(|s| s.bulkhead.execution_timeout = Some(Duration::from_secs(11))),
        ["bulkhead.execution_timeout"]
    );
    assert_eq!(warned(|s| s.failover.hold.base = MS), ["failover.hold.base"]);
    assert_eq!(
        warned(|s| (s.retry.backoff.base, s.retry.backoff.cap) = (30_000 * MS, 30_000 * MS)),
        ["retry.backoff.base"]
    );
}

#[tokio::test(start_paused = true)]
async fn reconfigure_reaches_every_layer_and_keeps_its_state() {
    let (_, standard, [primary, _]) = two(|settings| settings.failover.second_attempt = None);
    let handles = standard.handles().clone();
    let stack = standard.build();
    assert!(stack.clone().oneshot(1).await.is_ok());
    primary.set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(stack.clone().oneshot(2));
    tokio::time::sleep(MS).await;

    let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
    settings.failover.second_attempt = None;
    settings.failover.recovery_successes = 7;
    settings.retry.max_attempts = 1;
    settings.bulkhead.limit = 1;
    // Shorter than the call in progress needs: its timers keep their times.
    settings.total_timeout = 300 * MS;
    settings.attempt_timeout = 200 * MS;
    handles.reconfigure(&settings).unwrap();

    assert_eq!((handles.total.get(), handles.endpoints[1].attempt.get()), (300 * MS, 200 * MS));
    assert_eq!(handles.retry.settings().max_attempts, 1);
    assert_eq!(handles.failover.settings().recovery_successes, 7);
    let limit = handles.endpoints[0].limit.snapshot();
    assert_eq!((limit.limit, limit.in_flight), (1, 1), "the permit in use counts");
    assert_eq!(handles.failover.snapshot().endpoints[0].breaker.successes, 1, "so does the window");
    let refused = stack.clone().oneshot(3).await.unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason(), Reason::BulkheadFull);
    assert_eq!(slow.await.unwrap().unwrap(), "primary");
    let start = Instant::now();
    stack.oneshot(4).await.unwrap_err();
    assert_eq!(start.elapsed(), 200 * MS, "the new attempt timeout");
}

#[test]
fn budget_of_the_retries_is_a_setting() {
    let budget = |settings: StandardSettings| {
        let standard = Standard::new("x", [Endpoint::new("a", Script::new("a"))], settings).unwrap();
        standard.handles().retry.budget().map(Budget::settings)
    };
    let allowance_refill = Some(Duration::from_secs(60));
    let slow = BudgetSettings { allowance_refill, ..BudgetSettings::default() };
    let settings = StandardSettings { retry_budget: Some(slow.clone()), ..StandardSettings::default() };
    assert_eq!(budget(settings), Some(slow));
    assert_eq!(budget(StandardSettings::default()), Some(BudgetSettings::default()));
    assert_eq!(budget(StandardSettings { retry_budget: None, ..StandardSettings::default() }), None);
}

#[tokio::test(start_paused = true)]
async fn refused_reconfigure_changes_no_layer() {
    let (_, standard, _) = two(|_| {});
    let handles = standard.handles().clone();
    let refused = |change: fn(&mut StandardSettings)| {
        let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
        settings.retry.max_attempts = 1;
        settings.total_timeout = Duration::from_secs(11);
        settings.failover.ready_timeout = MS;
        settings.bulkhead.limit = 3;
        change(&mut settings);
        let before = format!("{:?}", (handles.retry.settings(), handles.failover.settings()));
        let error = handles.reconfigure(&settings).unwrap_err();
        assert_eq!(format!("{:?}", (handles.retry.settings(), handles.failover.settings())), before);
        assert_eq!(handles.total.get(), Duration::from_secs(30));
        assert_eq!(handles.endpoints[0].limit.settings().limit, 256);
        error.field().to_owned()
    };
    use mainstay_circuit_breaker::WindowSettings::LastCalls;
    assert_eq!(refused(|s| s.failover.window = LastCalls(50)), "failover.window");
    assert_eq!(refused(|s| s.failover.consecutive_failures = Some(9)), "failover.second_attempt.budget.allowance");
    assert_eq!(refused(|s| s.retry_budget.as_mut().unwrap().cost = 0.0), "retry_budget.cost");
    assert_eq!(refused(|s| s.bulkhead.limit = 0), "bulkhead.limit");
    assert_eq!(refused(|s| s.attempt_timeout = s.total_timeout), "attempt_timeout");
    assert_eq!(refused(|s| (s.attempt_timeout, s.total_timeout) = (Duration::ZERO, MS)), "attempt_timeout");
    assert_eq!(refused(|s| s.total_timeout = Duration::MAX), "total_timeout");
}

/// Defect: a request with a total timeout of 5 s was still waiting for an endpoint after 600 s.
#[tokio::test(start_paused = true)]
async fn total_timeout_bounds_the_wait_for_endpoints_that_are_never_ready() {
    let (stack, standard, [primary, backup]) = two(|settings| {
        settings.attempt_timeout = Duration::from_secs(1);
        settings.total_timeout = Duration::from_secs(5);
    });
    let ready_timeout = standard.handles().failover.settings().ready_timeout;
    primary.set(Fate::NotReady);
    backup.set(Fate::NotReady);
    let start = Instant::now();
    let error = stack.oneshot(1).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::TotalTimeout);
    // `poll_ready` waits without a request, for `ready_timeout` at most; the call then has its whole time.
    assert!(start.elapsed() <= Duration::from_secs(5) + ready_timeout, "{:?}", start.elapsed());
    assert_eq!((primary.calls(), backup.calls()), (0, 0));
}

/// Defect: the retry budget of the stack could be neither set, shared nor reloaded.
#[tokio::test(start_paused = true)]
async fn retry_budget_is_set_reloaded_and_shared() {
    let settings = |allowance| StandardSettings {
        retry_budget: Some(BudgetSettings { allowance, ..BudgetSettings::default() }),
        ..StandardSettings::default()
    };
    let standard = |allowance| Standard::new("orders", endpoints(&[Script::new("primary")]), settings(allowance));
    let own = standard(3.0).unwrap();
    let balance = |handles: &StandardHandles| handles.retry.snapshot().budget.unwrap().balance;
    assert_eq!(balance(own.handles()), 3.0);
    own.handles().reconfigure(&settings(5.0)).unwrap();
    assert_eq!(balance(own.handles()), 5.0);
    let error = own.handles().reconfigure(&settings(-1.0)).unwrap_err();
    assert!(error.to_string().starts_with("retry_budget.allowance = -1"), "{error}");
    assert_eq!(standard(-1.0).unwrap_err().field(), "retry_budget.allowance");

    let budget = Budget::new();
    let shared = [standard(3.0), standard(7.0)].map(|stack| stack.unwrap().with_retry_budget(budget.clone()));
    budget.reserve(Cost::Retry, Instant::now()).unwrap().spend();
    shared[0].handles().reconfigure(&settings(9.0)).unwrap();
    assert_eq!(shared.each_ref().map(|stack| balance(stack.handles())), [0.0, 0.0]);
}

/// Defect: a running stack could not turn the budget on or off.
#[tokio::test(start_paused = true)]
async fn retry_budget_is_turned_off_and_on_live() {
    let (_, standard, scripts) = two(|settings| settings.failover.second_attempt = None);
    let handles = standard.handles().clone();
    let stack = standard.build();
    let mut settings = StandardSettings { failover: common::settings(), ..StandardSettings::default() };
    settings.failover.second_attempt = None;
    scripts.iter().for_each(|script| script.set(Fate::Fail));
    let retries_of_ten_requests = async || {
        let before = handles.retry.snapshot().retries;
        for _ in 0..10 {
            stack.clone().oneshot(1).await.unwrap_err();
        }
        handles.retry.snapshot().retries - before
    };
    settings.retry_budget = None;
    handles.reconfigure(&settings).unwrap();
    assert!(handles.retry.budget().is_none());
    assert_eq!(retries_of_ten_requests().await, 20);

    let wrong = BudgetSettings { cost: 0.0, ..BudgetSettings::default() };
    settings.retry_budget = Some(wrong);
    handles.reconfigure(&settings).unwrap_err();
    assert!(handles.retry.budget().is_none(), "a refused change turns nothing on");

    settings.retry_budget = Some(BudgetSettings { allowance: 4.0, ..BudgetSettings::default() });
    handles.reconfigure(&settings).unwrap();
    assert_eq!(handles.retry.snapshot().budget.unwrap().balance, 4.0);
    assert_eq!(retries_of_ten_requests().await, 4);
}

#[test]
fn attempts_above_the_quota_are_a_warning_with_both_numbers() {
    let mut settings = StandardSettings::default();
    settings.retry.max_attempts = 10;
    let standard = Standard::new("orders", endpoints(&[Script::new("primary")]), settings).unwrap();
    let warning = standard.warnings().iter().find(|warning| warning.reason.contains("attempt_quota")).unwrap();
    assert_eq!(warning.to_string(), "retry.max_attempts: retry.attempt_quota = 4 permits fewer attempts than 10");
}

#[test]
fn text_shows_each_layer_with_its_settings_in_force() {
    let scripts = [Script::new("primary"), Script::new("backup")];
    let standard = Standard::new("orders", endpoints(&scripts), StandardSettings::default()).unwrap();
    standard.handles().endpoints[1].limit.resize(64).unwrap();
    let expected = "orders, outermost layer first:
  total timeout: 30s
  retry: 3 attempts, exponential x2 from 100ms up to 20s, jitter Full; budget: 0.25 earned by a success, 1 for a retry, \
        1 not earned
  failover: primary, backup; left after 3 failures in a row or 20 % failures (of the last 100 calls, at least 20); \
        hold 30s to 5m; second attempt after 50ms or an error
primary:
  bulkhead: 256 calls, no queue
  attempt timeout: 10s
backup:
  bulkhead: 64 calls, no queue
  attempt timeout: 10s";
    assert_eq!(standard.handles().to_string(), expected);
}
