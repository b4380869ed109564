//! The Tower contract suite over each kind of chain.

use mainstay_core::test::{Answer, Expect, Probe, Reply, Request, contract};
use mainstay_fallback::{FallbackLayer, backup, step_fn, value};

#[test]
fn value_keeps_the_tower_contract() {
    contract("fallback(value)", Expect::default().answers_for_inner(), || FallbackLayer::value("fallback", 7));
}

#[test]
fn backup_keeps_the_tower_contract() {
    let expect = Expect::default().answers_for_inner();
    contract("fallback(backup)", expect, || FallbackLayer::backup("fallback", Probe::new()));
}

#[test]
fn chain_of_failing_steps_keeps_the_tower_contract() {
    contract("fallback(failing)", Expect::default(), || {
        let broken = Probe::new();
        broken.always(Reply::Fail);
        let hanging = Probe::new();
        hanging.always(Reply::Hang);
        FallbackLayer::new("fallback", backup(broken).or(backup(hanging)))
    });
}

#[test]
fn chain_with_a_successful_last_step_keeps_the_tower_contract() {
    contract("fallback(chain)", Expect::default().answers_for_inner(), || {
        let later = step_fn("later", |_: Request, _| async {
            tokio::task::yield_now().await;
            Err::<Answer, _>("not now")
        });
        FallbackLayer::new("fallback", later.or(backup(Probe::new())).or(value(7)))
    });
}

#[cfg(feature = "last-good")]
#[test]
fn last_good_keeps_the_tower_contract() {
    let expect = Expect::default().answers_for_inner();
    contract("fallback(last_good)", expect, || {
        FallbackLayer::new("fallback", mainstay_fallback::last_good(|request: &Request| request.id).or(value(7)))
    });
}
