//! Every public enum of states, reasons and outcomes has `as_str`: the text of `Display`, and the name in serde.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Display},
    fs,
    path::Path,
    time::Duration,
};

use mainstay_bulkhead::LimitEvent;
use mainstay_circuit_breaker::{Actor, Breaker, BreakerEvent, Growth, Mode, State};
use mainstay_condition::{Kind, Truth};
use mainstay_core::{
    Asked, Class, Cost, FailureKind, Level, Name, NotInserted, Outcome, Overload, Reason, Rejected, Repeat,
};
use mainstay_drain::{Cause, Phase};
use mainstay_failover::{
    AllDown, Driven, Endpoint, FailoverEvent, FailoverHandle, FailoverState, Initial, ProbeOutcome, ReturnMode,
};
use mainstay_fallback::FallbackEvent;
use mainstay_http::{
    body::BodyEnd,
    policy::Retryable,
    probe::HttpProbeError,
    proxy::{HostRule, Inbound, RequestFault, ResponseFault},
};
use mainstay_retry::{Operation, RetryEvent, Scaling, StopReason, Strategy, Timing};
use mainstay_store::StorageErrorKind;
use mainstay_timeout::{Scope, TimeoutEvent};

/// The public enums without `as_str`, each with the reason.
const WITHOUT: &[(&str, &str)] = &[
    ("Jitter", "settings with values"),
    ("Recovery", "settings with values"),
    ("Shape", "settings with values"),
    ("TrialCriteria", "settings with values"),
    ("WindowSettings", "settings with values"),
    ("Value", "the value of a fact"),
    ("Found", "carries a handle"),
    ("LayerKind", "hidden"),
    ("Shared", "a pointer"),
    ("StepStart", "carries a response"),
];

/// The enums that were checked, with their labels.
#[derive(Default)]
struct Checked(BTreeMap<&'static str, Vec<String>>);

impl Checked {
    /// Checks an enum whose `Display` is its label.
    fn displayed<T: Display + Debug>(&mut self, name: &'static str, values: &[T], as_str: fn(&T) -> &str) {
        for value in values {
            assert_eq!(value.to_string(), as_str(value), "{name}::{value:?}: `Display` differs from `as_str`");
        }
        self.named(name, values, as_str);
    }

    /// Checks an enum whose `Display` is a sentence.
    fn named<T: Debug>(&mut self, name: &'static str, values: &[T], as_str: fn(&T) -> &str) {
        let labels: Vec<_> = values.iter().map(|value| as_str(value).to_owned()).collect();
        let distinct: BTreeSet<_> = labels.iter().collect();
        assert_eq!(distinct.len(), values.len(), "{name} has a label twice: {labels:?}");
        for label in &labels {
            let is_label = !label.is_empty() && label.chars().all(|letter| letter == '_' || letter.is_alphabetic());
            assert!(is_label, "{name}: {label:?} is no label");
        }
        self.0.insert(name, labels);
    }

    /// Checks that serde writes the labels.
    fn in_serde<T: serde::Serialize>(&self, name: &'static str, values: &[T]) {
        let written = values.iter().map(|value| match serde_json::to_value(value).unwrap() {
            serde_json::Value::String(label) => label,
            serde_json::Value::Object(variant) => variant.keys().next().unwrap().clone(),
            other => format!("{other}"),
        });
        assert_eq!(written.collect::<Vec<_>>(), self.0[name], "{name}: serde's names differ from `as_str`");
    }
}

macro_rules! check {
    ($checked:ident: $($type:ident),+; with serde: $($in_serde:ident),+) => {
        $($checked.displayed(stringify!($type), $type::ALL, $type::as_str);)+
        $(
            $checked.displayed(stringify!($in_serde), $in_serde::ALL, $in_serde::as_str);
            $checked.in_serde(stringify!($in_serde), $in_serde::ALL);
        )+
    };
}

#[test]
fn every_label_is_the_same_in_display_and_serde() {
    let mut checked = Checked::default();
    check! {
        checked: Asked, Cause, Class, Cost, HostRule, Inbound, NotInserted, Overload, Phase, Retryable,
        StorageErrorKind;
        with serde: AllDown, Driven, FailoverState, FailureKind, Growth, Initial, Level, Mode, Operation, Reason,
        ReturnMode, Scaling, Scope, State, StopReason, Strategy, Timing
    }
    checked.displayed("Actor", &[Actor::Rules, Actor::Operator("ann".into())], Actor::as_str);
    let outcomes = [
        Outcome::Success,
        Outcome::failure(FailureKind::Unknown),
        Outcome::overloaded(None),
        Outcome::rejected(None),
        Outcome::ignored(),
    ];
    checked.displayed("Outcome", &outcomes, Outcome::as_str);
    let repeats = [Repeat::Backoff, Repeat::After(Duration::ZERO), Repeat::Never];
    checked.displayed("Repeat", &repeats, Repeat::as_str);
    let ends = [BodyEnd::Complete { trailers: None }, BodyEnd::Failed, BodyEnd::Dropped, BodyEnd::Abandoned];
    checked.displayed("BodyEnd", &ends, BodyEnd::as_str);
    checked.named("RequestFault", RequestFault::ALL, RequestFault::as_str);
    checked.named("ResponseFault", ResponseFault::ALL, ResponseFault::as_str);

    checked.displayed("Truth", &[Truth::True, Truth::False, Truth::Unknown], |truth| truth.as_str());
    checked.displayed("Kind", &[Kind::Number, Kind::Integer, Kind::Bool, Kind::Text], |kind| kind.as_str());
    events(&mut checked);
    let reason = || "no".to_owned();
    let probes = [
        ProbeOutcome::Healthy,
        ProbeOutcome::unhealthy("no"),
        ProbeOutcome::NotSent { reason: reason() },
        ProbeOutcome::Overloaded,
        ProbeOutcome::Out { reason: reason() },
    ];
    checked.named("ProbeOutcome", &probes, ProbeOutcome::as_str);
    checked.in_serde("ProbeOutcome", &probes);
    let errors = [
        HttpProbeError::Unhealthy { reason: reason() },
        HttpProbeError::NotSent { reason: reason() },
        HttpProbeError::Overloaded,
        HttpProbeError::Out { reason: reason() },
    ];
    checked.named("HttpProbeError", &errors, HttpProbeError::as_str);

    let missing: Vec<_> = public_enums()
        .into_iter()
        .filter(|name| !checked.0.contains_key(name.as_str()) && !WITHOUT.iter().any(|(without, _)| without == name))
        .collect();
    assert!(missing.is_empty(), "enums without a label: add `labels!` and a line here, or to `WITHOUT`: {missing:?}");
}

/// Checks the labels of the events.
fn events(checked: &mut Checked) {
    let reason = Reason::BulkheadFull;
    checked.named("LimitEvent", &[LimitEvent::Refused { reason }, LimitEvent::TimedOut], LimitEvent::as_str);
    let time = Duration::ZERO;
    checked.named("TimeoutEvent", &[TimeoutEvent::TimedOut { time }], TimeoutEvent::as_str);
    let retries = [
        RetryEvent::Scheduled { attempt: 1, delay: time, outcome: Outcome::Success },
        RetryEvent::GaveUp { attempt: 1, reason: StopReason::Budget, outcome: None },
    ];
    checked.named("RetryEvent", &retries, RetryEvent::as_str);
    let step = Name::literal("step");
    let fallbacks = [
        FallbackEvent::Answered { step: step.clone() },
        FallbackEvent::StepFailed { step: step.clone(), error: String::new() },
        FallbackEvent::StepSkipped { step, reason: String::new() },
        FallbackEvent::Exhausted,
    ];
    checked.named("FallbackEvent", &fallbacks, FallbackEvent::as_str);
    let breaker = Breaker::new("x");
    let mut changes = breaker.events();
    breaker.force_open("ann");
    let changed = changes.try_recv().unwrap().event;
    checked.named("BreakerEvent", &[changed, BreakerEvent::Refused { retry_after: None }], BreakerEvent::as_str);
    let failover = FailoverHandle::new("x", ["a", "b"].map(Endpoint::named)).unwrap();
    let mut changes = failover.events();
    failover.take_out("a", "test").unwrap();
    let changed = changes.try_recv().unwrap().event;
    checked.named("FailoverEvent", &[changed, FailoverEvent::Refused { retry_after: None }], FailoverEvent::as_str);
}

/// The text of a refusal is a sentence: the label is in machine-readable bodies.
#[test]
fn refusal_is_shown_as_a_sentence() {
    assert_eq!(Rejected::new(Reason::CircuitOpen, "orders").to_string(), "orders: circuit open");
    assert_eq!(Reason::CircuitOpen.to_string(), "circuit_open");
}

/// Returns the names of all public enums of the libraries.
fn public_enums() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut names = Vec::new();
    for library in fs::read_dir(crates).unwrap() {
        find_enums(&library.unwrap().path().join("src"), &mut names);
    }
    assert!(names.len() > 30, "the search finds the enums: {names:?}");
    names
}

fn find_enums(folder: &Path, names: &mut Vec<String>) {
    // The vocabulary of the contract suite.
    if folder.ends_with("core/src/test") {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_enums(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let found = text.lines().filter_map(|line| line.trim_start().strip_prefix("pub enum "));
            names.extend(found.map(|rest| rest.chars().take_while(|letter| letter.is_alphanumeric()).collect()));
        }
    }
}
