//! Retries without a delay let other tasks of the thread run.

use std::{io, time::Duration};

use mainstay_core::{Backoff, test::Request};
use mainstay_retry::{EveryError, Retrier, RetryLayer, RetrySettings};
use tokio::time::timeout;
use tower::{Layer, ServiceExt, service_fn};

use crate::harness::{FAILED, Harness, with};

fn endless() -> Retrier {
    let (max_attempts, attempt_quota) = (u32::MAX, u32::MAX);
    with(RetrySettings { max_attempts, attempt_quota, backoff: Backoff::none(), ..RetrySettings::default() })
}

/// A million attempts ran in one poll, so that no timeout fired and no other task ran.
#[tokio::test(start_paused = true)]
async fn layer_without_a_delay_lets_a_timeout_fire() {
    let fails = service_fn(|_: u32| async { Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)) });
    let call = RetryLayer::with(endless()).layer(fails).oneshot(7);
    let beside = tokio::spawn(tokio::task::yield_now());
    timeout(Duration::ZERO, call).await.unwrap_err();
    beside.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn function_without_a_delay_lets_a_timeout_fire() {
    let fails = |_| async { Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)) };
    timeout(Duration::ZERO, endless().run_with(EveryError, fails)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn many_attempts_without_a_delay_are_all_made() {
    let retrier = with(RetrySettings {
        max_attempts: 1_000,
        attempt_quota: 1_000,
        backoff: Backoff::none(),
        ..RetrySettings::default()
    });
    let mut harness = Harness::new(retrier);
    harness.answers(&[FAILED; 1_000]);
    harness.call(Request::new(1)).await.0.unwrap();
    assert_eq!(harness.probe.calls(), 1_000);
}
