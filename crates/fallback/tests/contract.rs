//! The Tower contract, over chains of every kind.

use mainstay_core::test::{Answer, Expect, Probe, Reply, Request, contract};
use mainstay_fallback::{FallbackLayer, backup, step_fn, value};

#[test]
fn a_value_keeps_the_contract() {
    contract("fallback(value)", Expect::default().answers_for_inner(), || FallbackLayer::value(7));
}

#[test]
fn a_backup_keeps_the_contract() {
    let expect = Expect::default().answers_for_inner();
    contract("fallback(backup)", expect, || FallbackLayer::backup(Probe::new()));
}

#[test]
fn a_chain_whose_steps_all_fail_keeps_the_contract() {
    contract("fallback(failing)", Expect::default(), || {
        let broken = Probe::new();
        broken.always(Reply::Fail);
        let hanging = Probe::new();
        hanging.always(Reply::Hang);
        FallbackLayer::new(backup(broken).or(backup(hanging)))
    });
}

#[test]
fn a_chain_that_answers_in_the_end_keeps_the_contract() {
    contract("fallback(chain)", Expect::default().answers_for_inner(), || {
        let later = step_fn("later", |_: Request, _| async {
            tokio::task::yield_now().await;
            Err::<Answer, _>("not now")
        });
        FallbackLayer::new(later.or(backup(Probe::new())).or(value(7)))
    });
}

#[cfg(feature = "last-good")]
#[test]
fn the_last_good_answer_keeps_the_contract() {
    let expect = Expect::default().answers_for_inner();
    contract("fallback(last_good)", expect, || {
        FallbackLayer::new(mainstay_fallback::last_good(|request: &Request| request.id).or(value(7)))
    });
}
