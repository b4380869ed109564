//! The stack around one dependency: it composes without annotations, its layers agree, and its settings are checked and
//! changed together.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    convert::Infallible,
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

use common::{Fate, Script};
use mainstay_circuit_breaker::{Recovery, SlowCalls, State, WindowSettings};
use mainstay_core::{BoxError, Budget, BudgetSettings, Reason, Refusal, Rejected, check};
use mainstay_failover::stack::{DependencyHandles, DependencyLayer, DependencySettings, DependencyStack};
use mainstay_fallback::{backup, value};
use tokio::time::Instant;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn layer(change: impl FnOnce(&mut DependencySettings)) -> DependencyLayer {
    let mut settings = DependencySettings::default();
    change(&mut settings);
    DependencyLayer::new("orders", settings).unwrap()
}

fn stack(change: impl FnOnce(&mut DependencySettings)) -> (DependencyStack<Script>, DependencyHandles, Script) {
    let (layer, script) = (layer(change), Script::new("orders"));
    (layer.layer(script.clone()), layer.handles().clone(), script)
}

fn reason(error: &BoxError) -> Option<Reason> {
    error.rejected().map(Rejected::reason)
}

#[tokio::test(start_paused = true)]
async fn composes_over_a_function_with_plain_requests() {
    let client = service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id + 1) });
    let layer = DependencyLayer::new("orders", DependencySettings::default()).unwrap();
    let handles = layer.handles().clone();
    let orders = ServiceBuilder::new().layer(layer.clone()).service(client);
    // Cloned and in a task, as in a server.
    assert_eq!(tokio::spawn(orders.clone().oneshot(1)).await.unwrap().unwrap(), 2);
    assert_eq!(tokio::spawn(async move { orders.oneshot(2).await.unwrap() }).await.unwrap(), 3);
    // A second service of the layer shares the handles.
    layer.layer(client).oneshot(3).await.unwrap();
    assert_eq!((handles.retry.snapshot().succeeded, handles.breaker.snapshot().successes), (3, 3));
    assert_eq!(handles.limit.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn fallback_responds_when_all_attempts_have_failed() {
    let down = service_fn(|_: u32| async { Err::<u32, _>(std::io::Error::other("down")) });
    let steps = backup(down).or(value(7_u32));
    let layer = DependencyLayer::with_fallback("orders", steps, DependencySettings::default()).unwrap();
    let handles = layer.handles().clone();
    let orders = layer.layer(down);
    assert_eq!(tokio::spawn(async move { orders.oneshot(1).await.unwrap() }).await.unwrap(), 7);
    assert_eq!((handles.retry.snapshot().attempts, handles.breaker.snapshot().failures), (2, 2));
    assert_eq!(handles.fallback.unwrap().snapshot().answered, 1);
}

#[derive(Debug)]
struct Refused(Rejected);

impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Refusal for Refused {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn composes_with_a_typed_error() {
    let hung = service_fn(|_: u32| std::future::pending::<Result<u32, Infallible>>());
    let typed = check::<u32, u32, Refused, _>(layer(|_| {}).with_error::<Refused>().layer(hung));
    assert_eq!(typed.oneshot(1).await.unwrap_err().0.reason(), Reason::AttemptTimeout);
    let layer = DependencyLayer::with_fallback("orders", value(7_u32), DependencySettings::default()).unwrap();
    assert_eq!(layer.with_error::<Refused>().layer(hung).oneshot(1).await.unwrap(), 7);
}

/// Names only the policy; all other types are inferred.
#[test]
fn composes_over_hyper_util_reqwest_and_tonic() {
    use bytes::Bytes;
    use http_body_util::Full;
    use mainstay_http::{Grpc, Http, Reqwest, box_body};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build_http::<Full<Bytes>>();
    let client = client.map_response(box_body);
    let _stack = check::<http::Request<Full<Bytes>>, _, BoxError, _>(
        layer(|_| {}).with_policy(Http::new()).layer(client.clone()),
    );
    let layered = DependencyLayer::with_fallback("hyper", backup(client.clone()), DependencySettings::default());
    let _stack =
        check::<http::Request<Full<Bytes>>, _, BoxError, _>(layered.unwrap().with_policy(Http::new()).layer(client));

    let client = reqwest::Client::new();
    let _stack =
        check::<reqwest::Request, _, BoxError, _>(layer(|_| {}).with_policy(Reqwest::new()).layer(client.clone()));
    let layered = DependencyLayer::with_fallback("reqwest", backup(client.clone()), DependencySettings::default());
    let _stack = check::<reqwest::Request, _, BoxError, _>(layered.unwrap().with_policy(Reqwest::new()).layer(client));

    let channel = tonic::transport::Endpoint::from_static("http://localhost").connect_lazy();
    let _stack = check::<http::Request<tonic::body::Body>, _, BoxError, _>(
        layer(|_| {}).with_policy(Grpc::new()).layer(channel.clone()),
    );
    let layered = DependencyLayer::with_fallback("tonic", backup(channel.clone()), DependencySettings::default());
    let stack = layered.unwrap().with_policy(Grpc::new()).layer(channel);
    // The bounds that a generated client has on its transport.
    runtime.block_on(tonic::client::Grpc::new(stack).ready()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn attempt_timeouts_open_the_breaker_which_closes_after_the_recovery() {
    let (stack, handles, script) = stack(|settings| settings.attempt_timeout = SECOND);
    script.set(Fate::Hang);
    while handles.breaker.state() == State::Closed {
        stack.clone().oneshot(1).await.unwrap_err();
    }
    let calls = script.calls();
    let error = stack.clone().oneshot(1).await.unwrap_err();
    assert_eq!((reason(&error), script.calls()), (Some(Reason::CircuitOpen), calls), "refused, and not repeated");
    script.set(Fate::Answer);
    tokio::time::sleep(SECOND).await;
    for _ in 0..3 {
        stack.clone().oneshot(1).await.unwrap();
    }
    assert_eq!((handles.breaker.state(), script.live()), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn full_bulkhead_refuses_at_once_and_opens_no_breaker() {
    let (stack, handles, script) = stack(|settings| settings.bulkhead.limit = 1);
    script.set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(stack.clone().oneshot(1));
    tokio::task::yield_now().await;
    for _ in 0..50 {
        assert_eq!(reason(&stack.clone().oneshot(1).await.unwrap_err()), Some(Reason::BulkheadFull));
    }
    slow.await.unwrap().unwrap();
    assert_eq!((handles.breaker.state(), handles.retry.snapshot().retries), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn total_timeout_bounds_all_attempts() {
    let (stack, handles, script) = stack(|settings| {
        (settings.attempt_timeout, settings.total_timeout) = (400 * MS, SECOND);
        settings.retry_budget = None;
    });
    script.set(Fate::Hang);
    let start = Instant::now();
    assert_eq!(reason(&stack.oneshot(1).await.unwrap_err()), Some(Reason::TotalTimeout));
    assert_eq!((start.elapsed(), handles.total.snapshot().timed_out, script.live()), (SECOND, 1, 0));
}

#[test]
fn contradictory_settings_are_refused_with_their_field() {
    let wrong = |change: fn(&mut DependencySettings)| {
        let mut settings = DependencySettings::default();
        change(&mut settings);
        let error = DependencyLayer::new("x", settings.clone()).unwrap_err();
        let other = DependencyLayer::with_fallback("x", value(1), settings.clone()).unwrap_err();
        assert_eq!((error.owner(), &error), (Some("x"), &other));
        assert_eq!(settings.validate().unwrap_err().of("x"), error);
        error.to_string().split_off("x: ".len())
    };
    assert_eq!(
        wrong(|s| s.attempt_timeout = s.total_timeout),
        "attempt_timeout = 30s: must be below total_timeout, 30s"
    );
    let lease = wrong(|s| (s.attempt_timeout, s.total_timeout) = (30 * SECOND, 60 * SECOND));
    assert_eq!(lease, "attempt_timeout = 30s: must be below breaker.recovery.trials.lease, 30s");
    assert_eq!(wrong(|s| s.bulkhead.limit = 0), "bulkhead.limit = 0: must be 1 to 1000000");
    assert!(wrong(|s| s.retry.max_attempts = 0).starts_with("retry.max_attempts = 0:"));
    assert!(wrong(|s| s.retry_budget.as_mut().unwrap().cost = 0.0).starts_with("retry_budget.cost = 0:"));
    assert!(wrong(|s| s.total_timeout = Duration::MAX).starts_with("total_timeout = "));
    assert!(wrong(|s| s.fallback.settle_after = Duration::ZERO).starts_with("fallback.settle_after = 0s:"));
    let no_rule = |s: &mut DependencySettings| {
        (s.breaker.consecutive_failures, s.breaker.failure_rate) = (None, None);
    };
    assert!(wrong(no_rule).starts_with("breaker.failure_rate = none:"));
    let wait = |s: &mut DependencySettings| (s.bulkhead.queue, s.bulkhead.max_wait) = (10, Some(60 * SECOND));
    assert!(wrong(wait).starts_with("bulkhead.max_wait = 1m: must be below total_timeout"));
}

#[test]
fn ineffective_settings_are_warnings() {
    let warned = |change: fn(&mut DependencySettings)| {
        layer(change).warnings().iter().map(|warning| warning.field).collect::<Vec<_>>()
    };
    assert!(warned(|_| {}).is_empty(), "the defaults give no warning");
    assert_eq!(warned(|s| s.attempt_timeout = 20 * SECOND), ["retry.max_attempts"]);
    assert_eq!(warned(|s| s.retry.max_attempts = 10), ["retry.max_attempts"]);
    assert_eq!(warned(|s| s.retry.deadline = Some(60 * SECOND)), ["retry.deadline"]);
    assert_eq!(warned(|s| s.bulkhead.execution_timeout = Some(11 * SECOND)), ["bulkhead.execution_timeout"]);
    let slow = |s: &mut DependencySettings| {
        s.breaker.slow_calls = Some(SlowCalls { duration: 11 * SECOND, rate: 0.5 });
    };
    assert_eq!(warned(slow), ["breaker.slow_calls.duration"]);
    let unused = |s: &mut DependencySettings| s.fallback.on_rejected = false;
    assert_eq!(warned(unused), ["fallback"], "the stack has none");
    let mut settings = DependencySettings::default();
    unused(&mut settings);
    assert!(DependencyLayer::with_fallback("x", value(1), settings).unwrap().warnings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn reconfigure_reaches_every_layer_and_keeps_its_state() {
    let steps = value("sorry");
    let layer = DependencyLayer::with_fallback("orders", steps, DependencySettings::default()).unwrap();
    let (handles, script) = (layer.handles().clone(), Script::new("orders"));
    let stack = layer.layer(script.clone());
    assert_eq!(stack.clone().oneshot(1).await.unwrap(), "orders");
    script.set(Fate::AnswerAfter(500 * MS));
    let slow = tokio::spawn(stack.clone().oneshot(2));
    tokio::time::sleep(MS).await;

    let mut settings = DependencySettings::default();
    settings.fallback.on_rejected = false;
    settings.retry.max_attempts = 1;
    settings.retry_budget = None;
    settings.breaker.consecutive_failures = Some(2);
    settings.bulkhead.limit = 1;
    // Shorter than the call in progress needs: its timers keep their times.
    (settings.total_timeout, settings.attempt_timeout) = (300 * MS, 200 * MS);
    handles.reconfigure(&settings).unwrap();

    assert_eq!((handles.total.get(), handles.attempt.get()), (300 * MS, 200 * MS));
    assert_eq!((handles.retry.settings().max_attempts, handles.retry.budget().is_some()), (1, false));
    let limit = handles.limit.snapshot();
    assert_eq!((limit.limit, limit.in_flight), (1, 1), "the permit in use counts");
    assert_eq!(handles.breaker.snapshot().successes, 1, "so does the window");
    let refused = stack.clone().oneshot(3).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::BulkheadFull), "the fallback is off for refusals");
    assert_eq!(slow.await.unwrap().unwrap(), "orders");
    let start = Instant::now();
    assert_eq!(stack.clone().oneshot(4).await.unwrap(), "sorry");
    assert_eq!(start.elapsed(), 200 * MS, "the new attempt timeout");
    stack.oneshot(5).await.unwrap();
    assert_eq!(handles.breaker.state(), State::Open, "two failures");
}

#[test]
fn refused_reconfigure_changes_no_layer() {
    let handles = layer(|_| {}).handles().clone();
    let before = format!("{handles:?}{:?}{:?}", handles.breaker.settings(), handles.limit.settings());
    let refused = |change: fn(&mut DependencySettings)| {
        let mut settings = DependencySettings::default();
        (settings.retry.max_attempts, settings.retry_budget) = (1, None);
        settings.total_timeout = 11 * SECOND;
        settings.breaker.consecutive_failures = Some(3);
        settings.bulkhead.limit = 3;
        change(&mut settings);
        let error = handles.reconfigure(&settings).unwrap_err();
        let after = format!("{handles:?}{:?}{:?}", handles.breaker.settings(), handles.limit.settings());
        assert_eq!(after, before);
        error.field().to_owned()
    };
    assert_eq!(refused(|s| s.breaker.window = WindowSettings::LastCalls(50)), "breaker.window");
    let slow = |s: &mut DependencySettings| s.breaker.slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.5 });
    assert_eq!(refused(slow), "breaker.slow_calls");
    assert_eq!(
        refused(|s| s.retry_budget = Some(BudgetSettings { cost: 0.0, ..BudgetSettings::default() })),
        "retry_budget.cost"
    );
    assert_eq!(refused(|s| s.bulkhead.limit = 0), "bulkhead.limit");
    assert_eq!(refused(|s| s.attempt_timeout = s.total_timeout), "attempt_timeout");
    assert_eq!(refused(|s| s.fallback.settle_after = Duration::ZERO), "fallback.settle_after");
    let short_lease = |s: &mut DependencySettings| match &mut s.breaker.recovery {
        Recovery::Trials { lease, .. } => *lease = SECOND,
        Recovery::Probes { .. } => {}
    };
    assert_eq!(refused(short_lease), "attempt_timeout");
}

#[test]
fn budget_that_is_handed_over_is_not_changed_by_the_stack() {
    let budget = Budget::new();
    let layers = [layer(|_| {}), layer(|_| {})].map(|layer| layer.with_retry_budget(budget.clone()));
    let settings = BudgetSettings { allowance: 9.0, ..BudgetSettings::default() };
    for retry_budget in [Some(settings), None] {
        let settings = DependencySettings { retry_budget, ..DependencySettings::default() };
        layers[0].handles().reconfigure(&settings).unwrap();
    }
    for layer in layers {
        assert_eq!(layer.handles().retry.budget().unwrap().settings(), BudgetSettings::default());
    }
}

#[test]
fn text_shows_each_layer_with_its_settings_in_force() {
    let steps = backup(Script::new("replica")).named("replica").or(value("sorry"));
    let layer = DependencyLayer::with_fallback("orders", steps, DependencySettings::default()).unwrap();
    let handles = layer.handles();
    let expected = "orders, outermost layer first:
  fallback: replica, value, on failures, overloads, refusals
  total timeout: 30s
  retry: 3 attempts, exponential x2 from 100ms up to 20s, jitter Full; budget: 0.25 earned by a success, 1 for a retry, \
        1 not earned
  circuit breaker: opens at 10 failures in a row or 50 % failures (of the last 100 calls, at least 20), for 500ms to 8s; \
        3 trial calls at a time
  bulkhead: 256 calls, no queue
  attempt timeout: 10s";
    assert_eq!(handles.to_string(), expected);

    let mut settings = DependencySettings::default();
    settings.fallback.on_rejected = false;
    (settings.retry.max_attempts, settings.retry_budget) = (5, None);
    settings.breaker.consecutive_failures = None;
    (settings.bulkhead.queue, settings.attempt_timeout) = (7, SECOND);
    handles.reconfigure(&settings).unwrap();
    let text = handles.to_string();
    for part in [
        "replica, value, on failures, overloads\n",
        "5 attempts",
        "at most 4 by the quota; no budget",
        "opens at 50 % failures",
        "256 calls, 7 queued for 1s",
        "attempt timeout: 1s",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A task that sets the limit within its wake-up.
struct Reconfigures(DependencyHandles);

impl Wake for Reconfigures {
    fn wake(self: Arc<Self>) {
        let mut settings = DependencySettings::default();
        settings.bulkhead.limit = 7;
        self.0.reconfigure(&settings).unwrap();
    }
}

/// The breaker announces a change of its state while the settings are changed.
#[test]
fn waker_reconfigures_the_stack_that_is_being_reconfigured() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let handles = layer(|_| {}).handles().clone();
        runtime.block_on(async {
            handles.breaker.trip("test");
            tokio::time::advance(10 * SECOND).await;
            drop(handles.breaker.try_acquire().unwrap());
            assert_eq!(handles.breaker.state(), State::HalfOpen);
            let waker = Waker::from(Arc::new(Reconfigures(handles.clone())));
            let mut status = handles.breaker.watch();
            let mut changed = pin!(status.changed());
            assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let mut settings = DependencySettings::default();
            settings.bulkhead.limit = 3;
            settings.breaker.recovery = Recovery::Probes { successes: 3, fresh_for: SECOND };
            handles.reconfigure(&settings).unwrap();
            // What the waker set is the newest.
            assert_eq!(handles.limit.settings().limit, 7);
            assert!(matches!(handles.breaker.settings().recovery, Recovery::Trials { .. }));
        });
        done.send(()).unwrap();
    });
    ended.recv_timeout(20 * SECOND).expect("no deadlock");
}
