//! Behaviour of established libraries, restated as facts; each test name starts with the library.
//!
//! Intended differences:
//! * The attempts are at least one and have no sentinel for "unlimited"; `u32::MAX` is the nearest value.
//! * The cap comes before the jitter, so a proportional jitter may exceed it (as in gRPC), and capped delays stay spread
//!   (unlike in Polly, which clamps after the jitter).
//! * A delay that does not fit the deadline is not started. failsafe-go shortens it, but an attempt that starts at the
//!   deadline cannot succeed. A timeout layer cancels a running attempt; retry does not.
//! * Jitter is drawn downwards from the delay for `random` 0 and upwards for 1; failsafe-go does the opposite.
//! * The second version of Polly's decorrelated jitter has no counterpart; `Jitter::Decorrelated` is the simpler one.
//! * Quotas of other shapes (in-flight ratios, AWS buckets, gRPC throttling, Tower's `TpsBudget`) are not emulated: the
//!   budget that successes fund, and that expires, replaces them. The module `budget` asserts their guarantees.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Backoff, BoxError, Jitter, Random, Shape};
use mainstay_retry::{Retrier, RetrySettings};
use tokio::time::Instant;

use crate::harness::{FAILED, Harness, MS, NOT_FOUND, OK, busy_for};

fn retrier(max_attempts: u32, backoff: Backoff) -> Retrier {
    let attempt_quota = max_attempts;
    Retrier::with_settings("v", RetrySettings { max_attempts, attempt_quota, backoff, ..RetrySettings::default() })
        .expect("valid settings")
        .without_budget()
}

fn constant(millis: u32) -> Backoff {
    Backoff::constant(millis * MS).with_jitter(Jitter::None)
}

/// AttemptQuota one request over these answers. Returns the calls, the result and the duration.
async fn sequence(max_attempts: u32, backoff: Backoff, answers: &[u64]) -> (u64, u64, Duration) {
    let mut harness = Harness::new(retrier(max_attempts, backoff));
    harness.answers(answers);
    let (result, took) = harness.call(mainstay_core::test::Request::new(1)).await;
    (harness.probe.calls(), result.expect("an answer"), took)
}

fn uppers(backoff: &Backoff, retries: impl IntoIterator<Item = u32>) -> Vec<u128> {
    retries.into_iter().map(|retry| backoff.upper(retry).as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn resilience4j_fail_then_ok_one_attempt_and_not_retryable() {
    assert_eq!(sequence(3, constant(500), &[FAILED, OK]).await, (2, OK, 500 * MS));
    assert_eq!(sequence(1, constant(500), &[FAILED]).await, (1, FAILED, Duration::ZERO));
    assert_eq!(sequence(3, constant(500), &[NOT_FOUND]).await, (1, NOT_FOUND, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn polly_and_cockatiel_count_results_like_errors() {
    assert_eq!(sequence(13, constant(0), &[FAILED; 13]).await, (13, FAILED, Duration::ZERO));
    assert_eq!(sequence(6, constant(0), &[FAILED; 6]).await, (6, FAILED, Duration::ZERO));
    assert_eq!(sequence(6, constant(0), &[FAILED, NOT_FOUND]).await, (2, NOT_FOUND, Duration::ZERO));
    let listed = Backoff::custom(|retry| [10, 20, 20][(retry as usize - 1).min(2)] * MS).with_jitter(Jitter::None);
    assert_eq!(sequence(4, listed, &[FAILED; 4]).await, (4, FAILED, 50 * MS));
}

#[tokio::test(start_paused = true)]
async fn failsafe_go_default_and_unlimited() {
    assert_eq!(sequence(3, constant(0), &[FAILED; 3]).await, (3, FAILED, Duration::ZERO));
    let answers = [FAILED, FAILED, FAILED, FAILED, FAILED, OK];
    assert_eq!(sequence(u32::MAX, constant(0), &answers).await, (6, OK, Duration::ZERO));
}

#[test]
fn exponential_and_linear_delays_of_all_libraries() {
    let exponential = |base: u32, cap: u32| Backoff::exponential(base * MS).with_cap(cap * MS);
    let resilience4j = uppers(&exponential(100, 100_000), [1, 2, 10, 11, 12, 13]);
    assert_eq!(resilience4j, [100, 200, 51_200, 100_000, 100_000, 100_000]);
    assert_eq!(uppers(&Backoff::linear(1_000 * MS), 1..=3), [1_000, 2_000, 3_000]);
    assert_eq!(uppers(&exponential(1_000, 20_000), 1..=3), [1_000, 2_000, 4_000]);
    assert_eq!(uppers(&exponential(1, 10), 1..=6), [1, 2, 4, 8, 10, 10]);
    assert_eq!(uppers(&exponential(2_000, 30_000), 1..=5), [2_000, 4_000, 8_000, 16_000, 30_000]);
    let botocore = uppers(&exponential(50, 20_000), 1..=11);
    assert_eq!(botocore, [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000]);
}

#[test]
fn proportional_jitter_of_polly_resilience4j_and_grpc() {
    let jittered = |backoff: Backoff, share, draw, retry| {
        let random = Random::scripted(&[draw]);
        backoff.with_jitter(Jitter::Proportional { share }).delay(retry, Duration::ZERO, &random).as_millis()
    };
    for (draw, millis) in [(0.0, 2_250), (0.4, 2_850), (0.5, 3_000), (0.6, 3_150)] {
        assert_eq!(jittered(Backoff::linear(1_000 * MS), 0.25, draw, 3), millis);
    }
    for (draw, millis) in [(0.0, 50), (0.5, 100)] {
        assert_eq!(jittered(Backoff::constant(100 * MS), 0.5, draw, 1), millis);
    }
    let grpc = || Backoff::exponential(100 * MS).with_cap(1_000 * MS);
    for (retry, low, high) in [(1, 80, 120), (2, 160, 240), (3, 320, 480), (4, 640, 960), (5, 800, 1_200)] {
        assert_eq!(jittered(grpc(), 0.2, 0.0, retry), low);
        assert!((high - 1..=high).contains(&jittered(grpc(), 0.2, 1.0, retry)));
    }
}

#[test]
fn resilience4j_invalid_settings() {
    let valid = |backoff: Backoff| backoff.validate().is_ok();
    assert!(!valid(Backoff::default().with_jitter(Jitter::Proportional { share: -0.0001 })));
    assert!(!valid(Backoff::default().with_jitter(Jitter::Proportional { share: 1.0001 })));
    assert!(valid(Backoff::constant(Duration::ZERO)));
    assert!(RetrySettings { max_attempts: 0, ..RetrySettings::default() }.validate().is_err());
}

#[tokio::test(start_paused = true)]
async fn polly_cancelled_run_is_not_retried() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let retrier = retrier(4, constant(2_000));
    let run = retrier.run(move |_| {
        counted.fetch_add(1, Relaxed);
        async {
            tokio::time::sleep(1_000 * MS).await;
            Err::<(), _>(BoxError::from("no"))
        }
    });
    tokio::time::timeout(500 * MS, run).await.unwrap_err();
    tokio::time::sleep(60_000 * MS).await;
    assert_eq!(calls.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn polly_disposes_of_every_result_but_the_last() {
    let mut harness = Harness::new(retrier(6, constant(0)));
    harness.answers(&[FAILED; 6]);
    harness.get().await;
    assert_eq!((harness.probe.calls(), harness.policy.discarded().len()), (6, 5));
}

#[tokio::test(start_paused = true)]
async fn grpc_pushback_restarts_the_backoff() {
    let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::None);
    assert_eq!(sequence(3, backoff, &[busy_for(1_500), FAILED, OK]).await, (3, OK, 1_600 * MS));
}

/// A request that has exceeded its maximum duration is not retried.
#[tokio::test(start_paused = true)]
async fn failsafe_go_maximum_duration() {
    let settings = RetrySettings { deadline: Some(100 * MS), backoff: constant(0), ..RetrySettings::default() };
    let retrier = Retrier::with_settings("v", settings).unwrap().without_budget();
    let start = Instant::now();
    let result = retrier.run(|attempt| async move {
        tokio::time::sleep((attempt - 1) * 120 * MS).await;
        Err::<(), _>(BoxError::from("no"))
    });
    result.await.unwrap_err();
    assert_eq!((retrier.snapshot().attempts, start.elapsed()), (2, 120 * MS));
}

/// boto: a custom shape keeps cap and jitter.
#[test]
fn custom_delay_is_capped_and_jittered() {
    let backoff = Backoff { shape: Shape::Custom(Arc::new(|_| Duration::MAX)), ..Backoff::default() };
    assert_eq!(backoff.delay(1, Duration::ZERO, &Random::scripted(&[0.5])), 10_000 * MS);
}
