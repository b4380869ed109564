//! The settings: how they are written, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests may panic")]
#![cfg(feature = "serde")]

use std::time::Duration;

use mainstay_store::{MemorySettings, RequestPathSettings, StoreSettings};

#[test]
fn settings_are_read_from_toml_and_written_as_they_were() {
    let file = "
        redis_url = 'redis://:hunter2@redis:6379'
        prefix = 'orders:'
        timeout = '250ms'
        max_retries = 1
        retry_delay = '2s'
    ";
    let settings: StoreSettings = toml::from_str(file).unwrap();
    settings.validate().unwrap();
    assert_eq!(settings.redis_url.as_ref().unwrap().with_credentials(), "redis://:hunter2@redis:6379");
    assert_eq!((settings.timeout, settings.retry_delay), (Duration::from_millis(250), Duration::from_secs(2)));
    assert_eq!((settings.max_retries, settings.prefix.as_str(), settings.max_entries), (1, "orders:", 10_000));
    assert_eq!(toml::from_str::<StoreSettings>(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    let default = StoreSettings::default();
    assert_eq!(toml::from_str::<StoreSettings>(&toml::to_string(&default).unwrap()).unwrap(), default);
    assert!(toml::from_str::<StoreSettings>("redis = 'x'").is_err());
    let path: RequestPathSettings = toml::from_str("timeout = '20ms'").unwrap();
    assert_eq!((path.timeout, path.ping_interval), (Duration::from_millis(20), Duration::from_secs(1)));
}

/// The block of the guide has every key, with its default where it has one.
#[test]
fn guide_shows_the_defaults() {
    let guide = include_str!("../../../docs/storage.md");
    let block = guide.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let shown: StoreSettings = toml::from_str(block).unwrap();
    assert!(shown.redis_url.is_some() && shown.ca_file.is_some());
    assert_eq!(StoreSettings { redis_url: None, ca_file: None, ..shown }, StoreSettings::default());
    let keys = block.lines().filter_map(|line| line.split_once(" = ")).count();
    assert_eq!(keys, 2 + toml::Table::try_from(StoreSettings::default()).unwrap().len());
}

#[test]
fn wrong_settings_name_field_value_and_range() {
    let default = StoreSettings::default;
    let wrong = [
        (StoreSettings { timeout: Duration::ZERO, ..default() }, "timeout = 0s: must be 1ms to 365d"),
        (
            StoreSettings { retry_delay: Duration::MAX, ..default() },
            "retry_delay = 213503982334601d 7h 15s 999ms 999us 999ns: must be 1ms to 365d",
        ),
        (StoreSettings { max_retries: 101, ..default() }, "max_retries = 101: must be 0 to 100"),
        (StoreSettings { max_entries: 0, ..default() }, "max_entries = 0: must be 1 to 1000000000"),
        (StoreSettings { max_bytes: 9, ..default() }, "max_value_bytes = 1048576: must be 1 to 9"),
        (StoreSettings { max_value_bytes: 0, ..default() }, "max_value_bytes = 0: must be 1 to 536870912"),
        (StoreSettings { prefix: "p".repeat(600), ..default() }, "prefix = 600 bytes: must have at most 512 bytes"),
    ];
    for (settings, expected) in wrong {
        assert_eq!(settings.validate().unwrap_err().to_string(), expected);
    }
    let memory = MemorySettings { max_entries: 0, ..MemorySettings::default() };
    assert_eq!(memory.validate().unwrap_err().field(), "max_entries");
}
