//! The contract suite is itself under test: each broken layer breaks exactly the rules that it should.
#![cfg(feature = "test-util")]

mod broken;

use std::time::Duration;

use broken::{Gate, GateLayer, Violation};
use mainstay_core::{
    BoxError,
    test::{Expect, Probe, Rule, broken_rules, contract},
};
use tower_layer::layer_fn;
use tower_service::Service;

fn expect() -> Expect<GateLayer> {
    Expect::default().refusing(|layer: &GateLayer| layer.take()).at_rest(|layer: &GateLayer| match layer.taken() {
        0 => Ok(()),
        n => Err(format!("{n} permits are still taken")),
    })
}

fn rules_broken_by(violation: Violation) -> Vec<Rule> {
    broken_rules("gate", expect(), || GateLayer::new(violation)).into_iter().map(|broken| broken.rule).collect()
}

#[test]
fn a_layer_that_does_nothing_keeps_every_rule() {
    contract("identity", Expect::default(), || layer_fn(|inner: Probe| inner));
}

#[test]
fn a_gate_without_sin_keeps_every_rule() {
    contract("gate", expect(), || GateLayer::new(Violation::None));
}

#[test]
fn calling_a_fresh_clone_is_caught() {
    assert!(rules_broken_by(Violation::CallsFreshClone).contains(&Rule::CallsTheReadyInstance));
}

#[test]
fn copied_readiness_is_caught() {
    assert_eq!(rules_broken_by(Violation::CopiesReadiness), [Rule::CloneCopiesNoReadiness]);
}

#[test]
fn a_permit_leaked_on_drop_is_caught() {
    let broken = rules_broken_by(Violation::LeaksOnDrop);
    assert!(broken.contains(&Rule::DropKeepsNothing) && broken.contains(&Rule::PanicKeepsNothing), "{broken:?}");
}

/// Without a gauge to look at, too: the next call is refused.
#[test]
fn a_leaked_permit_shows_as_a_call_that_is_refused() {
    let broken = broken_rules("gate", Expect::default(), || GateLayer::new(Violation::LeaksOnDrop));
    let dropped = broken.iter().find(|broken| broken.rule == Rule::DropKeepsNothing).unwrap();
    assert!(dropped.what.contains("afterwards a call over a working service fails"), "{dropped}");
    assert!(dropped.to_string().starts_with("layer `gate` breaks the rule \"a dropped future leaves nothing taken\""));
}

#[test]
fn a_permit_leaked_on_error_is_caught() {
    assert!(rules_broken_by(Violation::LeaksOnError).contains(&Rule::ErrorKeepsNothing));
}

#[test]
fn spinning_is_caught() {
    assert!(rules_broken_by(Violation::Spins).contains(&Rule::DoesNotSpin));
}

#[test]
fn polling_on_a_timer_is_caught() {
    assert!(rules_broken_by(Violation::PollsOnATimer).contains(&Rule::DoesNotSpin));
}

/// A peer: an open breaker keeps an inner permit while it refuses.
#[test]
fn readiness_held_while_refusing_is_caught() {
    assert!(rules_broken_by(Violation::HoldsWhileRefusing).contains(&Rule::RefusingReservesNothing));
}

/// A peer: an open breaker first waits for inner readiness.
#[test]
fn a_caller_that_is_not_woken_to_be_refused_is_caught() {
    assert_eq!(rules_broken_by(Violation::RefusesAsleep), [Rule::WakesToRefuse]);
    let expect = expect().refuses_without_waking();
    contract("gate", expect, || GateLayer::new(Violation::RefusesAsleep));
}

/// A peer: each `layer()` call has a state of its own, so axum's breaker never trips.
#[test]
fn state_of_its_own_for_each_service_is_caught() {
    assert!(rules_broken_by(Violation::StateForEachService).contains(&Rule::ServicesShareState));
}

/// A peer: a timeout that keeps the first waker.
#[test]
fn a_kept_first_waker_is_caught() {
    assert!(rules_broken_by(Violation::KeepsTheFirstWaker).contains(&Rule::WakesTheLastTask));
}

/// A peer: `poll_ready` errors skip the fallback, or are lost.
#[test]
fn a_swallowed_readiness_error_is_caught() {
    let broken = rules_broken_by(Violation::SwallowsReadinessError);
    assert!(broken.contains(&Rule::ReadinessErrorShows), "{broken:?}");
}

#[test]
fn calling_before_the_inner_service_is_ready_is_caught() {
    let broken = rules_broken_by(Violation::IgnoresReadiness);
    assert!(
        broken.contains(&Rule::CallsTheReadyInstance) && broken.contains(&Rule::PendingPassesThrough),
        "{broken:?}"
    );
}

/// A peer: a deadlock, because the second attempt waits for the readiness that the first one holds.
#[test]
fn waiting_for_what_one_holds_is_caught() {
    let broken = rules_broken_by(Violation::HoldsWhileWaiting);
    assert!(broken.contains(&Rule::DoesNotDeadlock), "{broken:?}");
}

#[test]
fn call_beyond_the_expected_timeout_is_reported() {
    let expect = expect().timeout(Duration::from_millis(5));
    let broken = broken_rules("gate", expect, || GateLayer::new(Violation::None));
    assert!(broken.iter().any(|broken| broken.what.contains("is not done")), "{broken:?}");
}

/// The bounds of the suite are those of a stack: no annotation, any error that boxes.
#[test]
fn a_gate_is_a_service() {
    fn is_service<S: Service<mainstay_core::test::Request, Error = BoxError>>(_: &S) {}
    is_service(&Gate::over(Probe::new()));
}
