//! Tests of the contract suite: each broken layer breaks the rules that it should.
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
fn layer_without_behaviour_keeps_every_rule() {
    contract("identity", Expect::default(), || layer_fn(|inner: Probe| inner));
}

#[test]
fn correct_gate_keeps_every_rule() {
    contract("gate", expect(), || GateLayer::new(Violation::None));
}

#[test]
fn call_on_a_fresh_clone_is_detected() {
    assert!(rules_broken_by(Violation::CallsFreshClone).contains(&Rule::CallsTheReadyInstance));
}

#[test]
fn copied_readiness_is_detected() {
    assert_eq!(rules_broken_by(Violation::CopiesReadiness), [Rule::CloneCopiesNoReadiness]);
}

#[test]
fn permit_leaked_on_drop_is_detected() {
    let broken = rules_broken_by(Violation::LeaksOnDrop);
    assert!(broken.contains(&Rule::ReleasesOnDrop) && broken.contains(&Rule::ReleasesOnPanic), "{broken:?}");
}

/// Also without a gauge, because the next call is refused.
#[test]
fn leaked_permit_is_detected_by_a_refused_call() {
    let broken = broken_rules("gate", Expect::default(), || GateLayer::new(Violation::LeaksOnDrop));
    let dropped = broken.iter().find(|broken| broken.rule == Rule::ReleasesOnDrop).unwrap();
    assert!(dropped.what.contains("afterwards a call over a working service fails"), "{dropped}");
    assert!(dropped.to_string().starts_with("layer `gate` breaks the rule \"a dropped future leaves nothing taken\""));
}

#[test]
fn a_permit_leaked_on_error_is_detected() {
    assert!(rules_broken_by(Violation::LeaksOnError).contains(&Rule::ReleasesOnError));
}

#[test]
fn spinning_is_detected() {
    assert!(rules_broken_by(Violation::Spins).contains(&Rule::DoesNotSpin));
}

#[test]
fn polling_on_a_timer_is_detected() {
    assert!(rules_broken_by(Violation::PollsOnATimer).contains(&Rule::DoesNotSpin));
}

/// In a peer, an open breaker holds an inner permit while it refuses.
#[test]
fn readiness_held_while_refusing_is_detected() {
    assert!(rules_broken_by(Violation::HoldsWhileRefusing).contains(&Rule::RefusingReservesNothing));
}

/// In a peer, an open breaker waits for inner readiness first.
#[test]
fn missing_wake_up_to_refuse_is_detected() {
    assert_eq!(rules_broken_by(Violation::RefusesAsleep), [Rule::WakesToRefuse]);
    let expect = expect().refuses_without_waking();
    contract("gate", expect, || GateLayer::new(Violation::RefusesAsleep));
}

/// In a peer, each `layer()` call creates separate state, so the breaker of an axum router never opens.
#[test]
fn separate_state_of_services_is_detected() {
    assert!(rules_broken_by(Violation::StateForEachService).contains(&Rule::ServicesShareState));
}

/// In a peer, a timeout keeps the first waker.
#[test]
fn stale_waker_is_detected() {
    assert!(rules_broken_by(Violation::KeepsTheFirstWaker).contains(&Rule::WakesTheLastTask));
}

/// In a peer, errors of `poll_ready` skip the fallback or are lost.
#[test]
fn swallowed_readiness_error_is_detected() {
    let broken = rules_broken_by(Violation::SwallowsReadinessError);
    assert!(broken.contains(&Rule::ReadinessErrorShows), "{broken:?}");
}

#[test]
fn call_before_inner_readiness_is_detected() {
    let broken = rules_broken_by(Violation::IgnoresReadiness);
    assert!(
        broken.contains(&Rule::CallsTheReadyInstance) && broken.contains(&Rule::PendingPassesThrough),
        "{broken:?}"
    );
}

/// In a peer, the second attempt waits for the readiness that the first one holds: a deadlock.
#[test]
fn holding_while_waiting_is_detected() {
    let broken = rules_broken_by(Violation::HoldsWhileWaiting);
    assert!(broken.contains(&Rule::DoesNotDeadlock), "{broken:?}");
}

#[test]
fn call_beyond_the_expected_timeout_is_reported() {
    let expect = expect().timeout(Duration::from_millis(5));
    let broken = broken_rules("gate", expect, || GateLayer::new(Violation::None));
    assert!(broken.iter().any(|broken| broken.what.contains("is not done")), "{broken:?}");
}

/// The bounds of the suite are those of a stack: no annotation, and any error that converts into a box.
#[test]
fn gate_is_a_service() {
    fn is_service<S: Service<mainstay_core::test::Request, Error = BoxError>>(_: &S) {}
    is_service(&Gate::over(Probe::new()));
}
