use super::*;

const LIMITS: Limits = Limits { streak: 3, failure_rate: 0.2, unproven_failure_rate: 0.5, minimum_calls: 20 };
const UNPROVEN: Weight = Weight::Unproven { in_streak: true, in_rate: true };
const CONNECT: Weight = Weight::Connect { proven: false };

fn signals() -> Signals {
    Signals::new(WindowSettings::LastCalls(100))
}

fn last(signals: &Signals, weights: &[Weight]) -> Decision {
    let decide = |weight: &Weight| signals.record(*weight, LIMITS, 0);
    weights.iter().map(decide).last().unwrap_or(Decision::Stay)
}

fn is_ask(decision: &Decision, expected_proven: bool, without: WithoutProbe) -> bool {
    matches!(decision, Decision::Ask { proven, without_probe, .. }
        if (*proven, *without_probe) == (expected_proven, without))
}

fn leaves_by(decision: &Decision, expected: Signal) -> bool {
    matches!(decision, Decision::Leave { signal, .. } if *signal == expected)
}

#[test]
fn streaks_ask_and_connect_failures_leave() {
    assert!(is_ask(&last(&signals(), &[Weight::Proven; 3]), true, WithoutProbe::Leave));
    assert!(is_ask(&last(&signals(), &[UNPROVEN; 3]), false, WithoutProbe::Compare));
    assert!(is_ask(&last(&signals(), &[Weight::SILENCE; 3]), false, WithoutProbe::Stay), "silence only asks");
    assert!(leaves_by(&last(&signals(), &[CONNECT; 3]), Signal::Connect));
    assert_eq!(last(&signals(), &[Weight::FailedEverywhere; 300]), Decision::Stay);
    assert_eq!(last(&signals(), &[CONNECT, CONNECT, Weight::Proven, CONNECT, CONNECT]), Decision::Stay);
    // Not proven in a row, but failed in a row.
    assert!(is_ask(&last(&signals(), &[Weight::Proven, Weight::Proven, UNPROVEN]), false, WithoutProbe::Compare));
}

/// Defect: the log spoke of failures where every request was answered, later than the delay.
#[test]
fn reason_tells_a_failure_from_an_answer_that_is_late() {
    let reason = |weights: &[Weight]| match last(&signals(), weights) {
        Decision::Ask { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(&[Weight::SILENCE; 3]), "3 requests in a row failed or had no answer within the delay");
    assert_eq!(reason(&[UNPROVEN; 3]), "3 failures in a row");
}

#[test]
fn rates_decide_when_enough_calls_are_known() {
    let mixed = |weight: Weight, good: u32, bad: u32| {
        let signals = signals();
        (0..good).for_each(|_| signals.record_success(0, false));
        let mut decision = Decision::Stay;
        for _ in 0..bad {
            // Each failure is the end of its streak.
            signals.forget_streaks();
            decision = signals.record(weight, LIMITS, 0);
        }
        decision
    };
    assert!(leaves_by(&mixed(Weight::Proven, 16, 4), Signal::Requests));
    assert_eq!(mixed(Weight::Proven, 17, 4), Decision::Stay, "4 of 21");
    assert_eq!(mixed(Weight::Proven, 3, 16), Decision::Stay, "19 are too few");
    // No other endpoint was asked, so these are compared first.
    assert_eq!(mixed(UNPROVEN, 10, 10), Decision::Compare { reason: "10 of 20 calls failed".to_owned() });
    assert_eq!(mixed(UNPROVEN, 11, 10), Decision::Stay);
}

#[test]
fn success_ends_streaks_and_unmarks_when_nothing_is_left() {
    let signals = signals();
    assert!(!signals.is_marked());
    last(&signals, &[Weight::Proven, CONNECT]);
    assert!(signals.is_marked() && signals.consecutive_failures() == 1);
    signals.record_success(0, true);
    assert_eq!((signals.consecutive_failures(), signals.is_marked()), (0, true), "a failure is still in the window");
    (0..100).for_each(|_| signals.record_success(0, true));
    assert!(!signals.is_marked());
}

#[test]
fn requests_neither_lengthen_nor_end_the_streak_of_probes() {
    let signals = signals();
    assert_eq!(signals.record_probe(false), 1);
    last(&signals, &[Weight::Proven, UNPROVEN]);
    signals.record_success(0, true);
    assert_eq!(signals.record_probe(false), 2);
    assert_eq!((signals.record_probe(true), signals.record_probe(false)), (0, 1));
}

#[test]
fn failure_is_raised_to_proven_without_counting_twice_in_a_row() {
    let signals = signals();
    last(&signals, &[UNPROVEN; 2]);
    assert_eq!(signals.prove(LIMITS, 0), Decision::Stay);
    assert_eq!(signals.consecutive_failures(), 2);
}
