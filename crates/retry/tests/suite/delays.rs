//! Tests of the delays between attempts.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mainstay_core::{Backoff, BoxError, Jitter, Random, Shape};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings, Scaling};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use crate::harness::{FAILED, Harness, MS, OK, busy_for};

/// Returns the delays of one request that uses all its attempts.
async fn waits(retrier: &Retrier) -> Vec<Duration> {
    let mut starts = Vec::new();
    let result = retrier
        .run(|_| {
            starts.push(Instant::now());
            async { Err::<(), _>(BoxError::from("no")) }
        })
        .await;
    assert!(result.is_err());
    starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Defect of another library: eight clients drew identical jitter series.
#[tokio::test(start_paused = true)]
async fn eight_clients_draw_eight_different_series() {
    let settings = RetrySettings { max_attempts: 6, attempt_quota: 6, ..RetrySettings::default() };
    let layer = RetryLayer::with(Retrier::with_settings("orders", settings).unwrap().without_budget());
    let client = layer.layer(service_fn(|()| async { Err::<(), _>(BoxError::from("no")) }));
    let mut series = HashSet::new();
    for client in (0..8).map(|_| client.clone()) {
        let start = Instant::now();
        client.oneshot(()).await.unwrap_err();
        series.insert(start.elapsed());
    }
    assert_eq!(series.len(), 8);
}

/// Defects of a peer: presets documented as jittered had no jitter, and capped delays were equal because the cap came
/// after the jitter.
#[tokio::test(start_paused = true)]
async fn presets_are_jittered_at_their_cap_too() {
    for (preset, cap) in [(RetrySettings::network(), 30), (RetrySettings::database(), 10), (RetrySettings::api(), 60)] {
        let cap = Duration::from_secs(cap);
        let settings = RetrySettings { max_attempts: 60, ..preset };
        let waits = waits(&Retrier::with_settings("orders", settings).unwrap().without_budget()).await;
        let capped = &waits[waits.len() - 40..];
        assert!(capped.iter().all(|wait| *wait <= cap + MS));
        assert!(capped.iter().collect::<HashSet<_>>().len() > 35, "{capped:?}");
        assert!(capped.iter().any(|wait| *wait > cap / 2) && capped.iter().any(|wait| *wait < cap / 2));
    }
}

#[test]
fn presets_have_their_documented_values() {
    let values = |preset: RetrySettings| {
        let upper = |retry| preset.backoff.upper(retry).as_millis();
        (preset.max_attempts, [upper(1), upper(2), upper(3), upper(100)])
    };
    assert_eq!(values(RetrySettings::default()), (3, [100, 200, 400, 20_000]));
    assert_eq!(values(RetrySettings::network()), (5, [1_000, 2_000, 4_000, 30_000]));
    assert_eq!(values(RetrySettings::database()), (3, [500, 1_000, 2_000, 10_000]));
    assert_eq!(values(RetrySettings::api()), (4, [2_000, 3_000, 4_500, 60_000]));
}

#[tokio::test(start_paused = true)]
async fn scripted_random_repeats_the_delays() {
    let retrier = || Retrier::new("orders").without_budget().with_random(Random::scripted(&[0.5, 0.25]));
    assert_eq!(waits(&retrier()).await, [50 * MS, 50 * MS]);
    assert_eq!(waits(&retrier()).await, [50 * MS, 50 * MS]);
}

#[tokio::test(start_paused = true)]
async fn decorrelated_jitter_grows_from_the_previous_delay() {
    let backoff = Backoff::default().with_jitter(Jitter::Decorrelated);
    let settings = RetrySettings { max_attempts: 4, backoff, ..RetrySettings::default() };
    let retrier = Retrier::with_settings("orders", settings).unwrap().without_budget();
    // The draw of 0.5 is half way between 100 ms and three times the previous delay.
    let waits = waits(&retrier.with_random(Random::scripted(&[0.5]))).await;
    assert_eq!(waits, [200 * MS, 350 * MS, 575 * MS]);
}

#[tokio::test(start_paused = true)]
async fn success_rate_scales_the_delays_of_an_adaptive_retrier() {
    let settings = RetrySettings {
        max_attempts: 2,
        backoff: Backoff::constant(1_000 * MS).with_jitter(Jitter::None),
        scaling: Scaling::Adaptive,
        ..RetrySettings::default()
    };
    let mut harness = Harness::new(Retrier::with_settings("orders", settings).unwrap().without_budget());
    let mut wait = async |answers: &[u64]| {
        harness.answers(answers);
        (harness.call(mainstay_core::test::Request::new(1)).await.1, harness.retrier.snapshot().success_rate)
    };
    // Without history the rate is 0.8; then it is one success of one, one of two, one of three.
    assert_eq!(wait(&[FAILED, OK]).await, (1_000 * MS, Some(1.0)));
    assert_eq!(wait(&[FAILED, FAILED]).await, (700 * MS, Some(0.5)));
    assert_eq!(wait(&[FAILED, FAILED]).await.0, 2_000 * MS);
    assert_eq!(wait(&[FAILED, OK]).await.0, 2_000 * MS);
}

#[tokio::test(start_paused = true)]
async fn pushback_restarts_the_backoff() {
    let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::None);
    let retrier = Retrier::with_settings("orders", RetrySettings { backoff, ..RetrySettings::default() }).unwrap();
    let mut harness = Harness::new(retrier.without_budget());
    harness.answers(&[busy_for(1_500), FAILED, OK]);
    let (result, took) = harness.call(mainstay_core::test::Request::new(1)).await;
    assert_eq!((harness.probe.calls(), result.unwrap(), took), (3, OK, 1_600 * MS));
}

#[test]
fn custom_delay_is_capped_and_jittered() {
    let backoff = Backoff { shape: Shape::Custom(Arc::new(|_| Duration::MAX)), ..Backoff::default() };
    assert_eq!(backoff.delay(1, Duration::ZERO, &Random::scripted(&[0.5])), 10_000 * MS);
}
