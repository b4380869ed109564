//! Every snapshot is written by serde, in one form: durations are numbers of seconds, and times are RFC 3339.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use mainstay_bulkhead::{Group, KeyedLimits, Limit};
use mainstay_circuit_breaker::{Breaker, KeyedBreakers, State};
use mainstay_core::{BoxError, Degraded};
use mainstay_drain::{ConnectionLimit, DrainReport};
use mainstay_failover::{Endpoint, FailoverHandle};
use mainstay_fallback::FallbackLayer;
use mainstay_health::{Check, CheckOutcome, Health};
use mainstay_retry::{Retrier, RetrySettings, Timing};
use mainstay_timeout::TimeLimit;
use serde::Serialize;
use serde_json::Value;

/// Returns what a snapshot is written as, and checks that no text in it is a duration.
fn written(snapshot: &impl Serialize) -> Value {
    fn check(value: &Value) {
        match value {
            Value::String(text) => assert!(!is_duration(text), "a duration as text: {text}"),
            Value::Array(items) => items.iter().for_each(check),
            Value::Object(fields) => fields.values().for_each(check),
            _ => {}
        }
    }
    let value = serde_json::to_value(snapshot).unwrap();
    check(&value);
    value
}

/// Whether a text is numbers with units: `1s 500ms`.
fn is_duration(text: &str) -> bool {
    let is_part = |part: &str| {
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < part.len() && ["ns", "us", "ms", "s", "m", "h", "days"].contains(&unit)
    };
    !text.is_empty() && text.split(' ').all(is_part)
}

fn is_rfc3339(value: &Value) -> bool {
    let text = value.as_str().unwrap();
    text.len() == "2026-03-01T07:30:00.250Z".len() && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

#[tokio::test(start_paused = true)]
async fn durations_are_seconds_and_times_are_rfc_3339() {
    let later = || tokio::time::advance(Duration::from_millis(1_500));

    let breaker = Breaker::new("orders");
    breaker.trip("down");
    tokio::time::advance(Duration::from_millis(250)).await;
    let snapshot = written(&breaker.snapshot());
    assert_eq!((&snapshot["for_time"], &snapshot["state"]), (&0.25.into(), &"open".into()));
    let change = written(&breaker.transitions());
    assert!(is_rfc3339(&change[0]["at"]) && change[0]["open_for"].is_f64(), "{change}");
    assert_eq!((&change[0]["to"], &change[0]["spent"]), (&"open".into(), &0.0.into()));
    assert!(is_rfc3339(&written(&breaker.subscribe().get())["since"]));
    let keyed = KeyedBreakers::new("hosts");
    keyed.get(&1_u32).trip("down");
    assert!(written(&keyed.snapshot())["breakers"][0]["for_time"].is_f64());

    let failover = FailoverHandle::new("orders", ["a", "b"].map(Endpoint::named)).unwrap();
    failover.take_out("a", "maintenance").unwrap();
    later().await;
    let snapshot = written(&failover.snapshot());
    assert_eq!(snapshot["for_time"], 1.5);
    assert!(snapshot["endpoints"][0]["hold_left"].as_f64().unwrap() > 20.0, "{snapshot}");
    let change = written(&failover.transitions());
    assert!(is_rfc3339(&change[0]["at"]) && change[0]["hold"].is_f64(), "{change}");
    written(&failover.check_now().await);

    let settings = RetrySettings { timing: Timing::Every, ..RetrySettings::default() };
    let retrier = Retrier::with_settings("orders", settings).unwrap();
    retrier
        .run(|_| async {
            later().await;
            Ok::<_, BoxError>(())
        })
        .await
        .unwrap();
    assert_eq!(written(&retrier.snapshot())["times"]["total"], 1.5);
    let time = TimeLimit::attempt("orders", Duration::from_millis(250)).unwrap();
    assert_eq!(written(&time.snapshot())["time"], 0.25);
    let degraded = Degraded { step: "last_good".into(), age: Some(Duration::from_secs(90)) };
    assert_eq!(written(&degraded)["age"], 90.0);

    let check = Check::new("database", || async { CheckOutcome::healthy() });
    let health = Health::builder().check(check.critical()).build().unwrap();
    assert!(health.until_ready().await);
    later().await;
    let check = written(&health.snapshot())["checks"][0].clone();
    assert!(check["held"].is_f64() && check["age"].is_f64() && check["took"].is_f64(), "{check}");

    written(&FallbackLayer::value("orders", 7).handle().snapshot());
    written(&Limit::new("orders", 1).unwrap().snapshot());
    written(&KeyedLimits::<u32>::new("hosts", 1).unwrap().snapshot());
    written(&Group::new("group").snapshot());
    written(&ConnectionLimit::new(1).unwrap().snapshot());
    written(&DrainReport::default());
    assert_eq!(written(&State::HalfOpen), "half_open");
}

/// Every public struct of figures is written by serde, and writes its times in the one form.
#[test]
fn structs_of_figures_write_their_times_in_one_form() {
    const FORM: &str = "serialize_with = \"mainstay_core::times::";
    let (mut wrong, mut found) = (Vec::new(), BTreeMap::new());
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    for folder in fs::read_dir(crates).unwrap() {
        for (file, text) in sources(&folder.unwrap().path().join("src")) {
            for (before, name, fields) in structs(&text) {
                let is_figures =
                    ["Snapshot", "Report", "Times", "Transition"].iter().any(|ending| name.ends_with(ending))
                        || ["Status", "Degraded"].contains(&name);
                let writes = before.contains("Serialize");
                if is_figures && !writes {
                    wrong.push(format!("{file}: {name} is not written by serde"));
                }
                if is_figures || (writes && !before.contains("Deserialize")) {
                    found.insert(name.to_owned(), file.clone());
                    let mut lines = fields.lines().scan("", |above, line| Some((std::mem::replace(above, line), line)));
                    let is_time = |line: &str| {
                        line.contains(": Duration") || line.contains("<Duration>") || line.contains(": Instant")
                    };
                    let is_form = |line: &str| line.replace("crate::", "mainstay_core::").contains(FORM);
                    let bare = lines.find(|(above, line)| is_time(line) && !is_form(above));
                    wrong.extend(bare.map(|(_, line)| format!("{file}: {name}: {}", line.trim())));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found.len() > 20 && found.contains_key("Transition"), "{found:#?}");
}

/// Returns the sources below a folder.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| vec![(path.display().to_string(), fs::read_to_string(path).unwrap())];
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { read(&path) }).collect()
}

/// Returns the public structs with fields: the lines before each, its name and its fields.
fn structs(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.match_indices("\npub struct ").filter_map(|(at, start)| {
        let before = &text[text[..at].rfind("\n\n").unwrap_or(0)..at];
        let (head, rest) = text[at + start.len()..].split_once('\n')?;
        let name = head.split(|c: char| !c.is_alphanumeric()).next()?;
        head.ends_with('{').then_some((before, name, rest.split_once("\n}")?.0))
    })
}
