//! Wrong uses that are logged once: a quota below the attempts, a retry that can never repeat, a budget that refuses
//! although the dependency is well, a handle that is replaced where it is shared.

use std::time::Duration;

use mainstay_core::{
    Budget, FailureKind, Outcome, classify_fn,
    test::{Request, Warnings},
};
use mainstay_retry::{EveryError, Retrier, RetryLayer, RetrySettings};
use tower::{Layer, ServiceExt, service_fn};

use crate::harness::{FAILED, Harness, NO_COPY, OK, SENT_ONCE, with};

/// Defect: `max_attempts` above the attempt quota was cut without a word.
#[tokio::test(start_paused = true)]
async fn quota_below_the_attempts_is_logged_once_with_both_numbers() {
    let (warnings, _guard) = Warnings::collect();
    let settings = RetrySettings { max_attempts: 10, ..RetrySettings::default() };
    let mut harness = Harness::new(with(settings.clone()));
    assert_eq!(warnings.take(), [""; 0]);
    for _ in 0..3 {
        harness.get().await;
    }
    let line = warnings.only();
    assert!(line.contains("max_attempts=10") && line.contains("attempt_quota=4") && line.contains("orders"), "{line}");
    harness.retrier.reconfigure(settings).unwrap();
    harness.get().await;
    let _again = warnings.only();
}

/// Defect: a policy of a closure carries no context, but had the quota of one: 4 of 10 attempts.
#[tokio::test(start_paused = true)]
async fn policy_without_context_has_all_attempts_and_no_warning() {
    let (warnings, _guard) = Warnings::collect();
    let retrier = with(RetrySettings { max_attempts: 10, ..RetrySettings::default() });
    let fails = classify_fn(|_: Result<&u32, &mainstay_core::BoxError>| Outcome::failure(FailureKind::Unknown));
    let layer = RetryLayer::with(retrier.clone()).with_policy(fails);
    layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) })).oneshot(1).await.unwrap();
    assert_eq!(retrier.snapshot().attempts, 10);
    assert_eq!(warnings.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn retry_that_can_never_repeat_is_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let mut harness = Harness::plain();
    harness.answers(&[OK, FAILED, FAILED]);
    harness.call(Request::new(NO_COPY)).await.0.unwrap();
    assert_eq!(warnings.take(), [""; 0]);
    harness.call(Request::new(NO_COPY)).await.0.unwrap();
    assert!(warnings.only().contains("cannot be sent again"));
    harness.call(Request::new(NO_COPY)).await.0.unwrap();
    assert_eq!(warnings.take(), [""; 0]);

    let mut unsafe_ones = Harness::plain();
    unsafe_ones.answers(&[FAILED; 30]);
    for _ in 0..9 {
        unsafe_ones.call(Request::new(SENT_ONCE)).await.0.unwrap();
    }
    assert_eq!(warnings.take(), [""; 0]);
    for _ in 0..9 {
        unsafe_ones.call(Request::new(SENT_ONCE)).await.0.unwrap();
    }
    assert!(warnings.only().contains("`Idempotency-Key`"));
}

#[tokio::test(start_paused = true)]
async fn handle_that_repeats_other_requests_does_not_warn() {
    let (warnings, _guard) = Warnings::collect();
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, OK]);
    assert_eq!(harness.get().await, OK);
    harness.answers(&[FAILED; 20]);
    harness.call(Request::new(NO_COPY)).await.0.unwrap();
    for _ in 0..19 {
        harness.call(Request::new(SENT_ONCE)).await.0.unwrap();
    }
    assert_eq!(warnings.take(), [""; 0]);
}

/// At one request a minute, 143 of 144 single failures reached the caller, and nothing said so.
#[tokio::test(start_paused = true)]
async fn budget_that_refuses_a_slow_client_is_logged_once_with_the_setting() {
    let (warnings, _guard) = Warnings::collect();
    let retrier = Retrier::new("slow");
    let mut failures = 0;
    for minute in 0..144 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let call = |attempt| async move { if minute % 10 == 0 && attempt == 1 { Err("reset") } else { Ok(()) } };
        failures += u32::from(retrier.run_with(EveryError, call).await.is_err());
    }
    assert_eq!(failures, 14, "of 15: the allowance pays for the first");
    let line = warnings.only();
    assert!(line.contains("allowance_refill") && line.contains("slow"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn budget_that_refuses_in_an_outage_is_not_logged() {
    let (warnings, _guard) = Warnings::collect();
    let retrier = Retrier::new("busy");
    for call in 0..3_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let down = (1_000..2_000).contains(&call);
        let call = |_| async move { if down { Err("down") } else { Ok(()) } };
        let _ = retrier.run_with(EveryError, call).await;
    }
    assert!(retrier.snapshot().stopped.budget > 900);
    assert_eq!(warnings.take(), [""; 0]);
}

/// Defect: the second handle was disconnected from the first one without a word.
#[test]
fn handle_that_is_replaced_where_it_is_shared_is_logged() {
    let (warnings, _guard) = Warnings::collect();
    let alone = Retrier::new("alone").without_budget().with_budget(Budget::new());
    assert_eq!(warnings.take(), [""; 0]);
    for replaced in [alone.clone().without_budget(), alone.clone().with_budget(Budget::new())] {
        assert_eq!(replaced.name(), alone.name());
    }
    let lines = warnings.take();
    assert!(lines.len() == 2 && lines[0].contains("without_budget"), "{lines:?}");
}
