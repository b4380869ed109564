//! Settings that are written with serde and read again are the same, for every settings struct of the workspace.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{collections::BTreeSet, fmt::Debug, fs, path::Path, time::Duration};

use mainstay_bulkhead::{KeyedBulkheadSettings, LimitSettings};
use mainstay_circuit_breaker::{BreakerSettings, KeyedBreakerSettings, OpenSettings};
use mainstay_core::{Backoff, BudgetSettings};
use mainstay_drain::{DrainSettings, ServerSettings};
use mainstay_failover::{
    FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt,
    stack::{DependencySettings, StandardSettings},
};
use mainstay_fallback::{BackupSettings, FallbackSettings, LastGoodSettings};
use mainstay_health::{CheckSettings, DiskSettings};
use mainstay_retry::RetrySettings;
use mainstay_settings::Sources;
use mainstay_store::{MemorySettings, RequestPathSettings, StoreSettings, WriteBehindSettings};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Calls a macro with every settings struct.
macro_rules! for_every_struct {
    ($call:ident) => {
        $call! {
            Backoff, BackupSettings, BreakerSettings, BudgetSettings, CheckSettings, DependencySettings, DiskSettings, DrainSettings,
            FailoverSettings, FallbackSettings, HoldSettings, KeyedBreakerSettings, KeyedBulkheadSettings,
            LastGoodSettings, LimitSettings, MemorySettings, OpenSettings, ProbeSettings, RequestPathSettings,
            RetrySettings, SecondAttempt, ServerSettings, StandardSettings, StoreSettings, WriteBehindSettings
        }
    };
}

/// Values that some field of some struct takes. Those that a field does not take are left out.
fn candidates() -> Vec<Value> {
    vec![
        Value::Null,
        json!("off"),
        json!(0),
        json!(1),
        json!(7),
        json!(u32::MAX),
        json!(0.25),
        json!(0.123_456_789),
        json!(true),
        json!(false),
        json!("0s"),
        json!("1500us"),
        json!("1m 30s"),
        json!("365days"),
        json!({}),
        json!("linear"),
        json!("constant"),
        json!({ "exponential": { "factor": 1.5 } }),
        json!("equal"),
        json!("decorrelated"),
        json!("none"),
        json!({ "proportional": { "share": 0.3 } }),
        json!({ "last": "1m" }),
        json!({ "last_calls": 7 }),
        json!({ "duration": "1500us", "rate": 0.5 }),
        json!({ "trials": { "permits": 2, "lease": "5s", "criteria": { "successes": 2 } } }),
        json!({ "trials": { "permits": 2, "lease": "5s", "criteria": { "rate": { "calls": 9, "failure_rate": 0.5 } } } }),
        json!({ "probes": { "successes": 3, "fresh_for": "11s" } }),
        json!("refuse"),
        json!("last_resort"),
        json!("manual"),
        json!("traffic"),
        json!("down"),
        json!("adaptive"),
        json!("every"),
        json!({ "allowance_refill": "1s" }),
        json!({ "delay": null }),
    ]
}

/// Returns the pointers of all values.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return };
    for (key, value) in fields {
        let pointer = format!("{at}/{key}");
        pointers(value, &pointer, found);
        found.push(pointer);
    }
}

/// Changes the defaults as far as the type allows it. Returns `None` if nothing was changed.
fn changed<T: Default + Serialize + DeserializeOwned>(changes: &[(usize, usize)]) -> T {
    let candidates = candidates();
    let mut value = serde_json::to_value(T::default()).unwrap();
    for (place, candidate) in changes {
        let mut places = Vec::new();
        pointers(&value, "", &mut places);
        let mut changed = value.clone();
        *changed.pointer_mut(&places[place % places.len()]).unwrap() = candidates[candidate % candidates.len()].clone();
        if serde_json::from_value::<T>(changed.clone()).is_ok() {
            value = changed;
        }
    }
    serde_json::from_value(value).unwrap()
}

fn survives<T: Debug + Serialize + DeserializeOwned>(settings: &T) {
    let expected = format!("{settings:?}");
    let toml = toml::to_string(settings).unwrap();
    let json = serde_json::to_string(settings).unwrap();
    let same = |how: &str, read: Result<T, String>, text: &str| {
        let read = read.map(|settings| format!("{settings:?}"));
        assert_eq!(read.as_deref(), Ok(&*expected), "{how}\n{text}");
    };
    same("toml", toml::from_str(&toml).map_err(|error| error.to_string()), &toml);
    same("json", serde_json::from_str(&json).map_err(|error| error.to_string()), &json);
    let read = |sources: Sources| sources.read(|_| Ok(())).map_err(|error| error.to_string());
    same("sources, toml", read(Sources::toml(&toml)), &toml);
    #[cfg(feature = "json")]
    same("sources, json", read(Sources::json(&json)), &json);
}

macro_rules! all_survive {
    ($($settings:ident),*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]
            #[test]
            fn settings_survive_being_written(changes in proptest::collection::vec(any::<(usize, usize)>(), 0..40)) {
                $(survives(&changed::<$settings>(&changes));)*
            }
        }

        const NAMES: &[&str] = &[$(stringify!($settings)),*];
    };
}
for_every_struct!(all_survive);

/// Defect: `bulkhead = { queue = 10 }` of a stack had the limit of a bulkhead alone, 10, instead of the stack's, 256.
fn partly_written_tables_keep_defaults<T: Debug + Default + Serialize + DeserializeOwned>(name: &str) {
    let defaults = serde_json::to_value(T::default()).unwrap();
    let expected = format!("{:?}", T::default());
    let mut places = Vec::new();
    pointers(&defaults, "", &mut places);
    let partly = places.iter().map(|place| (place, only(&defaults, place)));
    let empty = places.iter().filter(|place| defaults.pointer(place).unwrap().is_object());
    let empty = empty.map(|place| (place, with_value(place, json!({}))));
    for (place, document) in partly.chain(empty) {
        // A variant of an enum has no defaults, so a part of it is an error.
        let read = [serde_json::from_value::<T>(document.clone()).ok(), read_by_sources(&document)];
        for read in read.into_iter().flatten() {
            assert_eq!(format!("{read:?}"), expected, "{name}{place}: {document}");
        }
    }
}

fn read_by_sources<T: DeserializeOwned>(document: &Value) -> Option<T> {
    // TOML has no null.
    Sources::toml(toml::to_string(document).ok()?).read(|_| Ok(())).ok()
}

/// Returns a document that has only this value of the defaults.
fn only(defaults: &Value, place: &str) -> Value {
    with_value(place, defaults.pointer(place).unwrap().clone())
}

fn with_value(place: &str, value: Value) -> Value {
    place.rsplit('/').filter(|key| !key.is_empty()).fold(value, |value, key| json!({ key: value }))
}

macro_rules! all_keep_defaults {
    ($($settings:ident),*) => {
        #[test]
        fn partly_written_table_keeps_the_defaults_of_the_struct_that_holds_it() {
            $(partly_written_tables_keep_defaults::<$settings>(stringify!($settings));)*
        }
    };
}
for_every_struct!(all_keep_defaults);

/// The budget's default is off, and means one that is larger than that of a budget alone.
#[test]
fn partly_written_budget_of_second_attempts_keeps_its_defaults() {
    let read = Sources::toml("second_attempt.budget.cost = 2.0").read(FailoverSettings::validate).unwrap();
    let budget = read.second_attempt.unwrap().budget.unwrap();
    let allowance_refill = Some(Duration::from_secs(1));
    assert_eq!(budget, BudgetSettings { cost: 2.0, allowance: 7.0, allowance_refill, ..BudgetSettings::default() });
}

/// Every option, off: one whose default is on came back on.
#[test]
fn options_that_are_off_stay_off() {
    let mut breaker = BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() };
    (breaker.failure_rate, breaker.abandoned_after) = (None, None);
    survives(&breaker);
    survives(&LimitSettings { max_wait: None, ..LimitSettings::default() });
    survives(&RetrySettings { deadline: None, wait_out: None, ..RetrySettings::default() });
    let failover = FailoverSettings {
        consecutive_failures: None,
        failure_rate: None,
        unproven_failure_rate: None,
        abandoned_after: None,
        second_attempt: None,
        ..FailoverSettings::default()
    };
    survives(&failover);
    survives(&StandardSettings { failover, ..StandardSettings::default() });
    survives(&SecondAttempt { delay: None, ..SecondAttempt::default() });
}

/// A function can be shown, but not read: the error is better than another backoff without a word.
#[test]
fn custom_backoff_is_written_and_refused_when_read() {
    let backoff = Backoff::custom(|retry| Duration::from_millis(retry.into()));
    let settings = RetrySettings { backoff, ..RetrySettings::default() };
    let toml = toml::to_string(&settings).unwrap();
    let written = serde_json::to_value(&settings).unwrap();
    assert_eq!(written["backoff"]["shape"], json!({ "custom": "function" }));
    let error = Sources::toml(&toml).read(RetrySettings::validate).unwrap_err().to_string();
    assert!(error.contains("must be one of exponential, linear, constant"), "{error}");
    serde_json::from_value::<RetrySettings>(written).unwrap_err();
}

#[derive(Debug, Deserialize)]
struct Program {
    name: String,
    #[serde(flatten)]
    failover: FailoverSettings,
}

#[test]
fn off_is_read_within_a_flattened_struct() {
    let check = |program: Program| {
        assert_eq!(program.name, "orders");
        let failover = program.failover;
        assert_eq!((failover.failure_rate, failover.abandoned_after, failover.all_down), (None, None, None));
        assert_eq!((failover.second_attempt, failover.consecutive_failures), (None, Some(7)));
        assert_eq!(failover.unproven_failure_rate, Some(0.25));
    };
    let toml = "name = 'orders'\nfailure_rate = 'off'\nabandoned_after = 'off'\nall_down = 'off'\n\
        second_attempt = 'off'\nconsecutive_failures = 7\nunproven_failure_rate = 0.25";
    check(Sources::toml(toml).read(|_| Ok(())).unwrap());
    check(toml::from_str(toml).unwrap());
    check(serde_json::from_value(toml::from_str(toml).unwrap()).unwrap());
}

/// Finds the structs in the sources, so that a new one is tested too.
#[test]
fn every_settings_struct_is_tested() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    let mut folders = vec![crates.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension().and_then(|extension| extension.to_str()) {
                None if entry.is_dir() && !entry.ends_with("tests") => folders.push(entry),
                Some("rs") => found.extend(structs(&fs::read_to_string(&entry).unwrap())),
                _ => {}
            }
        }
    }
    let untested: Vec<_> = found.iter().filter(|name| !NAMES.contains(&name.as_str())).collect();
    assert!(untested.is_empty() && found.len() > 15, "untested: {untested:?}, found: {found:?}");
}

/// Returns the structs that have defaults for missing fields and read nothing else.
fn structs(text: &str) -> impl Iterator<Item = String> {
    let derived = text.split("serde(default, deny_unknown_fields)").skip(1);
    let names = derived.filter_map(|rest| rest.split_once("pub struct ")?.1.split([' ', '{']).next());
    names.map(str::to_owned).collect::<Vec<_>>().into_iter()
}
