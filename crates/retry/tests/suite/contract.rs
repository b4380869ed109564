//! The Tower contract suite over the retry layer.

use mainstay_core::{
    Backoff,
    test::{Expect, ProbePolicy, contract},
};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};

/// Checks that no tokens are reserved while no request is in flight.
fn budget_is_whole<P>(layer: &RetryLayer<P>) -> Result<(), String> {
    let budget = layer.handle().snapshot().budget.ok_or("no budget")?;
    match budget.balance + budget.spent as f64 >= 1.0 {
        true => Ok(()),
        false => Err(format!("{} spent and {} left of what was 1 or more", budget.spent, budget.balance)),
    }
}

#[test]
fn retry_keeps_the_tower_contract() {
    contract("retry", Expect::default().refuses_without_waking().at_rest(budget_is_whole), || RetryLayer::new("retry"));
}

#[test]
fn retry_with_context_and_deadline_keeps_the_tower_contract() {
    let make = || {
        let deadline = Some(std::time::Duration::from_secs(60));
        let settings = RetrySettings { deadline, backoff: Backoff::none(), ..RetrySettings::default() };
        RetryLayer::with(Retrier::with_settings("orders", settings).expect("valid settings")).with_policy(ProbePolicy)
    };
    contract("retry", Expect::default().refuses_without_waking().at_rest(budget_is_whole), make);
}
