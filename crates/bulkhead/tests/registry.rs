//! Limits by resource, and the presets.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_bulkhead::{Limit, LimitRegistry, LimitSettings};
use mainstay_core::SettingsByName;

fn table() -> SettingsByName<LimitSettings> {
    SettingsByName::new(LimitSettings { limit: 3, ..LimitSettings::default() })
        .with("database", LimitSettings::database())
}

/// The seconds of the presets were read as a wait in the queue.
#[test]
fn seconds_of_presets_bound_the_execution() {
    let presets = [
        LimitSettings::resource(),
        LimitSettings::database(),
        LimitSettings::agent_communication(),
        LimitSettings::external_api(),
        LimitSettings::file_operations(),
    ];
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let found = presets.map(|preset| (preset.limit, preset.queue, seconds(preset.execution_timeout)));
    let expected = [(10, 30), (20, 10), (50, 30), (10, 60), (5, 120)].map(|(limit, time)| (limit, 100, Some(time)));
    assert_eq!(found, expected);
    assert!(presets.iter().all(|preset| preset.max_wait == LimitSettings::default().max_wait));
}

/// A name of the program, "files", had settings that the library chose for it.
#[test]
fn settings_of_a_name_come_from_the_table_alone() {
    let limits = LimitRegistry::new();
    for name in ["database", "files", "anything"] {
        assert_eq!(limits.get(name).settings(), LimitSettings::resource(), "{name}");
    }
    let limits = LimitRegistry::with_settings(table()).unwrap();
    assert_eq!(limits.get("database").settings(), LimitSettings::database());
    assert_eq!(limits.get("files").settings().limit, 3);
    let wrong = table().with("files", LimitSettings { limit: 0, ..LimitSettings::default() });
    assert_eq!(LimitRegistry::with_settings(wrong).unwrap_err().field(), "files.limit");
}

#[test]
fn inserted_limit_replaces_the_made_one_and_keeps_its_settings() {
    let limits = LimitRegistry::with_settings(table()).unwrap();
    assert_eq!(limits.get("files").settings().limit, 3);
    assert_eq!(limits.insert(Limit::new("files", 1).unwrap()).unwrap().unwrap().settings().limit, 3);
    let permit = limits.get("files").try_acquire().unwrap();
    assert!(limits.get("files").try_acquire().is_err());
    limits.reconfigure(LimitSettings { limit: 9, ..LimitSettings::default() }).unwrap();
    assert_eq!((limits.get("files").settings().limit, limits.get("other").settings().limit), (1, 9));
    drop(permit);
    assert_eq!(limits.snapshots().len(), 2);
    assert_eq!(limits.limits()[1].name(), "other");
}

#[test]
fn removed_name_gets_a_new_limit() {
    let limits = LimitRegistry::with_settings(table()).unwrap();
    let _all: Vec<_> = (0..3).map(|_| limits.get("a").try_acquire().unwrap()).collect();
    assert!(limits.get("a").try_acquire().is_err());
    assert_eq!(limits.remove("a").unwrap().snapshot().in_flight, 3);
    assert!(limits.remove("a").is_none());
    assert!(limits.get("a").try_acquire().is_ok());
}

/// Names that were made of data filled the memory.
#[test]
fn names_beyond_the_capacity_share_one_limit() {
    let limits = LimitRegistry::with_settings(table()).unwrap().with_capacity(2).unwrap();
    let names: Vec<_> = (0..1_000).map(|n| limits.get(format!("n{n}")).name().to_string()).collect();
    assert_eq!(names[..3], ["n0", "n1", "(other)"]);
    assert_eq!(limits.limits().len(), 2);
    let error = limits.insert(Limit::new("x", 1).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "names in the registry = 3: must be 1 to 2");
    limits.remove("n0");
    assert_eq!(limits.get("n7").name(), "n7");
}
