//! Which strategy for which operation.

use std::time::Duration;

use mainstay_core::{BoxError, Random, Shape};
use mainstay_retry::{Operation, RetrySettings, Scaling, Strategy, StrategyChooser};

use crate::kit::MS;

const NEVER_BY_CHANCE: f64 = 0.5;

fn chooser(draws: &[f64]) -> StrategyChooser {
    StrategyChooser::new().with_random(Random::scripted(draws))
}

fn record(chooser: &StrategyChooser, strategy: Strategy, times: u32, took: Duration) {
    (0..times).for_each(|_| chooser.record(Operation::Network, strategy, took));
}

#[test]
fn the_kind_of_operation_decides_first() {
    let chooser = chooser(&[NEVER_BY_CHANCE]);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
    assert_eq!(chooser.choose(Operation::Api), Strategy::Adaptive);
}

#[test]
fn the_measured_mean_decides_once_there_is_enough_of_it() {
    let chooser = chooser(&[NEVER_BY_CHANCE]);
    record(&chooser, Strategy::Exponential, 10, 300 * MS);
    record(&chooser, Strategy::Linear, 9, 100 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
    record(&chooser, Strategy::Linear, 1, 100 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Linear);
    // Of another kind nothing is known.
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
    assert_eq!(chooser.mean(Operation::Database, Strategy::Linear), None);
    // It became slow: back again.
    record(&chooser, Strategy::Linear, 30, 500 * MS);
    assert_eq!(chooser.choose(Operation::Network), Strategy::Exponential);
}

#[test]
fn a_strategy_that_is_as_quick_is_no_quicker() {
    let chooser = chooser(&[NEVER_BY_CHANCE]);
    for strategy in [Strategy::Exponential, Strategy::Linear, Strategy::Adaptive] {
        (0..10).for_each(|_| chooser.record(Operation::Database, strategy, 100 * MS));
    }
    assert_eq!(chooser.choose(Operation::Database), Strategy::Linear);
}

#[test]
fn one_choice_in_ten_is_made_by_chance_so_that_all_are_measured() {
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
async fn an_operation_is_run_and_measured_with_its_waits() {
    let chooser = chooser(&[NEVER_BY_CHANCE]);
    for _ in 0..10 {
        let work = |attempt| async move { if attempt == 1 { Err(BoxError::from("no")) } else { Ok(()) } };
        // One token to begin with and a quarter for each success: not every one of the ten is repeated.
        let _ = chooser.run(Operation::Database, work).await;
    }
    let figures = chooser.retrier(Operation::Database, Strategy::Linear).snapshot();
    assert_eq!(figures.calls, 10);
    assert!(figures.succeeded_after_retry >= 1 && figures.gave_up.budget >= 1);
    assert_eq!(chooser.mean(Operation::Database, Strategy::Linear), None, "failures are no measurements");
}

#[test]
fn a_strategy_changes_only_the_way_the_delay_grows() {
    let api = Strategy::Linear.applied_to(RetrySettings::api());
    assert!(matches!(api.backoff.shape, Shape::Linear));
    assert_eq!((api.max_attempts, api.backoff.upper(3), api.scaling), (4, 6_000 * MS, Scaling::Fixed));
    let back = Strategy::Exponential.applied_to(api);
    assert_eq!(back.backoff.upper(3), 8_000 * MS);
    let adaptive = Strategy::Adaptive.applied_to(RetrySettings::api());
    assert_eq!((adaptive.backoff.upper(2), adaptive.scaling), (3_000 * MS, Scaling::Adaptive));
}
