//! Tests of `StrategyChooser`.

use std::time::Duration;

use mainstay_core::{BoxError, Random, Shape};
use mainstay_retry::{Operation, RetrySettings, Scaling, Strategy, StrategyChooser};

use crate::harness::MS;

const NO_RANDOM_CHOICE: f64 = 0.5;

fn chooser(draws: &[f64]) -> StrategyChooser {
    StrategyChooser::new().with_random(Random::scripted(draws))
}

fn record(chooser: &StrategyChooser, strategy: Strategy, times: u32, took: Duration) {
    (0..times).for_each(|_| chooser.record(Operation::Network, strategy, took));
}

#[test]
fn kind_of_operation_selects_the_default_strategy() {
    let chooser = chooser(&[NO_RANDOM_CHOICE]);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
    assert_eq!(chooser.choose(Operation::Api), Strategy::Adaptive);
}

#[test]
fn lower_mean_wins_after_ten_measurements() {
    let chooser = chooser(&[NO_RANDOM_CHOICE]);
    record(&chooser, Strategy::Exponential, 10, 300 * MS);
    record(&chooser, Strategy::Linear, 9, 100 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
    record(&chooser, Strategy::Linear, 1, 100 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Linear);
    // Other kinds of operation have no measurements.
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
    assert_eq!(chooser.mean(Operation::Database, Strategy::Linear), None);
    // The linear strategy becomes slower, so the default returns.
    record(&chooser, Strategy::Linear, 30, 500 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
}

#[test]
fn equal_means_keep_the_default_strategy() {
    let chooser = chooser(&[NO_RANDOM_CHOICE]);
    for strategy in [Strategy::Exponential, Strategy::Linear, Strategy::Adaptive] {
        (0..10).for_each(|_| chooser.record(Operation::Database, strategy, 100 * MS));
    }
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
}

#[test]
fn one_choice_in_ten_is_random() {
    let chooser = chooser(&[0.0, 0.04, 0.09, 0.1]);
    let chosen: Vec<_> = (0..4).map(|_| chooser.choose(Operation::Network)).collect();
    assert_eq!(chosen, [Strategy::Exponential, Strategy::Linear, Strategy::Adaptive, Strategy::Exponential]);
    let seeded = || StrategyChooser::new().with_random(Random::seeded(7));
    let (one, two) = (seeded(), seeded());
    let choices =
        |chooser: &StrategyChooser| (0..1_000).map(|_| chooser.choose(Operation::Network)).collect::<Vec<_>>();
    let choices_of_one = choices(&one);
    assert_eq!(choices_of_one, choices(&two));
    let others = choices_of_one.iter().filter(|strategy| **strategy != Strategy::Exponential).count();
    assert!((40..100).contains(&others), "{others}");
}

#[tokio::test(start_paused = true)]
async fn failed_operation_is_run_but_not_measured() {
    let chooser = chooser(&[NO_RANDOM_CHOICE]);
    for _ in 0..10 {
        let work = |attempt| async move { if attempt == 1 { Err(BoxError::from("no")) } else { Ok(()) } };
        // The budget starts with one token and gains a quarter for each success: not all ten are retried.
        let _ = chooser.run(Operation::Database, work).await;
    }
    let figures = chooser.retrier(Operation::Database, Strategy::Linear).snapshot();
    assert_eq!(figures.calls, 10);
    assert!(figures.succeeded_after_retry >= 1 && figures.stopped.budget >= 1);
    assert_eq!(chooser.mean(Operation::Database, Strategy::Linear), None, "failed operations are not measured");
}

#[test]
fn strategy_changes_only_shape_and_scaling() {
    let api = Strategy::Linear.applied_to(RetrySettings::api());
    assert!(matches!(api.backoff.shape, Shape::Linear));
    assert_eq!((api.max_attempts, api.backoff.upper(3), api.scaling), (4, 6_000 * MS, Scaling::Fixed));
    let back = Strategy::Exponential.applied_to(api);
    assert_eq!(back.backoff.upper(3), 8_000 * MS);
    let adaptive = Strategy::Adaptive.applied_to(RetrySettings::api());
    assert_eq!((adaptive.backoff.upper(2), adaptive.scaling), (3_000 * MS, Scaling::Adaptive));
}
