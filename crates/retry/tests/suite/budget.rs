//! What repeats are paid with.

use std::time::Duration;

use mainstay_core::{
    AttemptQuota, Budget, BudgetSettings, RequestContext,
    test::{Reply, Request},
};
use mainstay_retry::{Retrier, RetrySettings};
use tower::{Service, ServiceExt};

use crate::kit::{BUSY, Bed, FAILED, MS, NOT_FOUND, OK, quick};

fn bed() -> (Bed, Budget) {
    let budget = Budget::new();
    (Bed::new(quick(3).with_budget(budget.clone())), budget)
}

/// A peer: the budget checked after the sleep, its error hiding the original.
#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_leaves_the_original_result_at_once() {
    let (mut bed, budget) = bed();
    bed.answers(&[FAILED, BUSY]);
    // The one token of the beginning pays for one repeat.
    let (result, took) = bed.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took), (BUSY, Duration::ZERO));
    assert_eq!((bed.gave_up().budget, budget.snapshot().spent, budget.snapshot().refused), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn successes_earn_and_ignored_results_do_not() {
    let (mut bed, budget) = bed();
    bed.answers(&[OK, OK, NOT_FOUND, OK, OK]);
    for _ in 0..5 {
        bed.get().await;
    }
    assert_eq!(budget.snapshot().balance, 2.0);
}

#[tokio::test(start_paused = true)]
async fn repeating_an_overload_costs_less() {
    let settings = BudgetSettings { reserve: 0.8, ..BudgetSettings::default() };
    let budget = Budget::with_settings(settings).unwrap();
    let mut bed = Bed::new(quick(5).with_budget(budget));
    bed.probe.always(Reply::Answer(BUSY));
    assert_eq!(bed.get().await, BUSY);
    assert_eq!(bed.probe.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_set_aside_before_the_wait_and_come_back_if_the_caller_goes_away() {
    let retrier = Retrier::new("orders");
    let budget = retrier.budget().unwrap().clone();
    let mut bed = Bed::new(retrier);
    bed.probe.always(Reply::Answer(FAILED));
    let service = bed.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!(budget.snapshot().balance, 0.0);
    drop(call);
    assert_eq!((budget.snapshot().balance, budget.snapshot().spent), (1.0, 0));
}

/// Peers: budgets that bound nothing. A success deposited a whole token; a reserve of ten a second and process is 4.0x at
/// one request a second.
#[tokio::test(start_paused = true)]
async fn a_dead_dependency_gets_one_request_more_and_no_storm() {
    let mut bed = Bed::new(Retrier::new("orders"));
    bed.probe.always(Reply::Answer(FAILED));
    for _ in 0..600 {
        bed.get().await;
        tokio::time::advance(1_000 * MS).await;
    }
    assert_eq!(bed.probe.calls(), 601);
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_ten_is_hidden() {
    let mut bed = Bed::new(Retrier::new("orders"));
    for n in 0..1_000 {
        if n % 10 == 5 {
            bed.answers(&[FAILED]);
        }
        bed.answers(&[OK]);
        assert_eq!(bed.get().await, OK, "request {n}");
    }
    assert_eq!(bed.retrier.snapshot().succeeded_after_retry, 100);
}

#[tokio::test(start_paused = true)]
async fn handles_can_share_one_budget() {
    let budget = Budget::new();
    let (mut reads, mut writes) =
        (Bed::new(quick(2).with_budget(budget.clone())), Bed::new(quick(2).with_budget(budget)));
    reads.probe.always(Reply::Answer(FAILED));
    writes.probe.always(Reply::Answer(FAILED));
    reads.get().await;
    writes.get().await;
    assert_eq!((reads.probe.calls(), writes.probe.calls()), (2, 1));
}

/// Layers that repeat each other's repeats: an exhausted budget below tells the layers above to leave it.
#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_takes_the_sends_from_the_layers_above() {
    let (mut bed, _) = bed();
    bed.probe.always(Reply::Answer(FAILED));
    let attempt_quota = AttemptQuota::new(100);
    let request = || Request::new(1).with_context(RequestContext::new().with_attempt_quota(attempt_quota.clone()));
    bed.call(request()).await.0.unwrap();
    assert_eq!((bed.probe.calls(), attempt_quota.left()), (2, 0));
}

#[test]
fn a_budget_is_on_by_default() {
    assert!(Retrier::new("orders").budget().is_some());
    assert!(Retrier::with_settings("orders", RetrySettings::network()).unwrap().budget().is_some());
    assert!(Retrier::new("orders").without_budget().budget().is_none());
}
