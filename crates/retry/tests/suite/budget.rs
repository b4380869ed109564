//! Tests of the retry budget.

use std::time::Duration;

use mainstay_core::{
    AttemptQuota, Budget, BudgetSettings, RequestContext,
    test::{Reply, Request},
};
use mainstay_retry::{Retrier, RetrySettings};
use tower::{Service, ServiceExt};

use crate::harness::{BUSY, FAILED, Harness, MS, NOT_FOUND, OK, quick};

fn harness() -> (Harness, Budget) {
    let budget = Budget::new();
    (Harness::new(quick(3).with_budget(budget.clone())), budget)
}

/// Defect of another library: the budget was checked after the sleep, and its error replaced the original.
#[tokio::test(start_paused = true)]
async fn empty_budget_returns_the_original_result_at_once() {
    let (mut harness, budget) = harness();
    harness.answers(&[FAILED, BUSY]);
    // The initial token pays for one retry.
    let (result, took) = harness.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took), (BUSY, Duration::ZERO));
    assert_eq!((harness.stopped().budget, budget.snapshot().spent, budget.snapshot().refused), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn successes_fund_the_budget_and_ignored_results_do_not() {
    let (mut harness, budget) = harness();
    harness.answers(&[OK, OK, NOT_FOUND, OK, OK]);
    for _ in 0..5 {
        harness.get().await;
    }
    assert_eq!(budget.snapshot().balance, 2.0);
}

#[tokio::test(start_paused = true)]
async fn retry_after_an_overload_costs_less() {
    let settings = BudgetSettings { allowance: 0.8, ..BudgetSettings::default() };
    let budget = Budget::with_settings(settings).unwrap();
    let mut harness = Harness::new(quick(5).with_budget(budget));
    harness.probe.always(Reply::Answer(BUSY));
    assert_eq!(harness.get().await, BUSY);
    assert_eq!(harness.probe.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn dropped_call_returns_the_token_reserved_before_the_delay() {
    let retrier = Retrier::new("orders");
    let budget = retrier.budget().unwrap().clone();
    let mut harness = Harness::new(retrier);
    harness.probe.always(Reply::Answer(FAILED));
    let service = harness.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!(budget.snapshot().balance, 0.0);
    drop(call);
    assert_eq!((budget.snapshot().balance, budget.snapshot().spent), (1.0, 0));
}

/// Defects of peers: budgets without effect. One deposited a whole token for each success; another allows ten retries a
/// second in each process, which is four times the load at one request a second.
#[tokio::test(start_paused = true)]
async fn dead_dependency_gets_one_retry_in_ten_minutes() {
    let mut harness = Harness::new(Retrier::new("orders"));
    harness.probe.always(Reply::Answer(FAILED));
    for _ in 0..600 {
        harness.get().await;
        tokio::time::advance(1_000 * MS).await;
    }
    assert_eq!(harness.probe.calls(), 601);
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_ten_is_retried() {
    let mut harness = Harness::new(Retrier::new("orders"));
    for n in 0..1_000 {
        if n % 10 == 5 {
            harness.answers(&[FAILED]);
        }
        harness.answers(&[OK]);
        assert_eq!(harness.get().await, OK, "request {n}");
    }
    assert_eq!(harness.retrier.snapshot().succeeded_after_retry, 100);
}

#[tokio::test(start_paused = true)]
async fn handles_share_one_budget() {
    let budget = Budget::new();
    let (mut reads, mut writes) =
        (Harness::new(quick(2).with_budget(budget.clone())), Harness::new(quick(2).with_budget(budget)));
    reads.probe.always(Reply::Answer(FAILED));
    writes.probe.always(Reply::Answer(FAILED));
    reads.get().await;
    writes.get().await;
    assert_eq!((reads.probe.calls(), writes.probe.calls()), (2, 1));
}

/// An inner layer whose budget is empty exhausts the quota, so that outer layers do not retry in its place.
#[tokio::test(start_paused = true)]
async fn empty_budget_exhausts_the_quota_of_outer_layers() {
    let (mut harness, _) = harness();
    harness.probe.always(Reply::Answer(FAILED));
    let attempt_quota = AttemptQuota::new(100);
    let request = || Request::new(1).with_context(RequestContext::new().with_attempt_quota(attempt_quota.clone()));
    harness.call(request()).await.0.unwrap();
    assert_eq!((harness.probe.calls(), attempt_quota.left()), (2, 0));
}

#[test]
fn budget_is_on_by_default() {
    assert!(Retrier::new("orders").budget().is_some());
    assert!(Retrier::with_settings("orders", RetrySettings::network()).unwrap().budget().is_some());
    assert!(Retrier::new("orders").without_budget().budget().is_none());
}

#[tokio::test(start_paused = true)]
async fn budget_is_turned_off_and_on_while_requests_run() {
    let mut harness = Harness::new(quick(3).with_budget(Budget::new()));
    let retrier = harness.retrier.clone();
    let clone = retrier.clone();
    harness.answers(&[FAILED; 100]);
    harness.get().await;
    assert_eq!(retrier.snapshot().retries, 1, "the allowance");
    retrier.reconfigure_budget(None).unwrap();
    assert!(clone.budget().is_none() && clone.snapshot().budget.is_none(), "clones share it");
    harness.get().await;
    assert_eq!(retrier.snapshot().retries, 3);
    let settings = BudgetSettings { allowance: 1.0, cost: 0.0, ..BudgetSettings::default() };
    assert_eq!(retrier.reconfigure_budget(Some(settings)).unwrap_err().field(), "cost");
    assert!(clone.budget().is_none());
    retrier.reconfigure_budget(Some(BudgetSettings::default())).unwrap();
    harness.get().await;
    assert_eq!((retrier.snapshot().retries, clone.snapshot().budget.unwrap().balance), (3, 0.0), "still spent");
}
