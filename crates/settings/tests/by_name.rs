//! Settings by name, whose entries build on each other.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_bulkhead::{LimitRegistry, LimitSettings};
use mainstay_circuit_breaker::{BreakerSettings, WindowSettings};
use mainstay_core::{InvalidSetting, SettingsByName};
use mainstay_settings::{Sources, from_toml};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    limits: SettingsByName<LimitSettings>,
    breakers: SettingsByName<BreakerSettings>,
}

impl Settings {
    fn validate(&self) -> Result<(), InvalidSetting> {
        self.limits.validate(LimitSettings::validate).map_err(|error| error.within("limits"))?;
        self.breakers.validate(BreakerSettings::validate).map_err(|error| error.within("breakers"))
    }
}

fn read(text: &str) -> Settings {
    from_toml(text, Settings::validate).unwrap()
}

fn wrong(text: &str) -> String {
    from_toml(text, Settings::validate).unwrap_err().to_string()
}

#[test]
fn entry_has_the_settings_of_its_bases_except_its_own() {
    let settings = read(
        "[limits.default]\nqueue = 3\n\
         [limits.database]\nlimit = 20\nexecution_timeout = '10s'\n\
         [limits.replica]\nbase = 'database'\nlimit = 5\n\
         [limits.nightly]\nbase = 'replica'\nqueue = 0\nexecution_timeout = 'off'",
    );
    let found = ["anything", "database", "replica", "nightly"].map(|name| {
        let limit = settings.limits.get(name);
        (limit.limit, limit.queue, limit.execution_timeout.map(|time| time.as_secs()))
    });
    assert_eq!(found, [(10, 3, None), (20, 3, Some(10)), (5, 3, Some(10)), (5, 0, None)]);
    let limits = LimitRegistry::with_settings(settings.limits).unwrap();
    assert_eq!(limits.get("replica").settings().limit, 5);
}

#[test]
fn nested_tables_are_merged_and_variants_replaced() {
    let settings = read(
        "[breakers.slow]\nwindow = { last = '10s' }\nopen = { base = '5s', max = '60s' }\n\
         [breakers.orders]\nbase = 'slow'\nwindow = { last_calls = 50 }\nopen = { max = '30s' }\n\
         [breakers.prices]\nbase = 'slow'\nwindow = { last = '20s' }",
    );
    let (orders, prices) = (settings.breakers.get("orders"), settings.breakers.get("prices"));
    assert_eq!(orders.window, WindowSettings::LastCalls(50));
    let seconds = |time: Duration| time.as_secs();
    assert_eq!((seconds(orders.open.base), seconds(orders.open.max)), (5, 30));
    assert_eq!(prices.window, WindowSettings::Last(Duration::from_secs(20)));
    assert_eq!(seconds(prices.open.max), 60);
}

#[test]
fn variable_of_a_base_reaches_the_entries_that_build_on_it() {
    let file = "[limits.database]\nlimit = 20\n[limits.replica]\nbase = 'database'";
    let variables = [("APP__LIMITS__DATABASE__LIMIT", "30"), ("APP__LIMITS__OTHER__BASE", "replica")];
    let settings = Sources::toml(file).variables("APP", variables).read(Settings::validate).unwrap();
    assert_eq!(["database", "replica", "other"].map(|name| settings.limits.get(name).limit), [30, 30, 30]);
}

#[test]
fn wrong_base_is_an_error_with_its_line() {
    let text = "[limits.a]\nbase = 'x'\n[limits.b]\nlimit = 1";
    assert_eq!(wrong(text), "line 2: limits.a.base = \"x\": must be one of b, default");
    let text = "[limits.a]\nbase = 'b'\n[limits.b]\nbase = 'a'";
    assert_eq!(wrong(text), "line 4: limits.b.base = \"a\": must not lead back to a");
    assert_eq!(wrong("[limits.a]\nbase = 'a'"), "line 2: limits.a.base = \"a\": must not lead back to a");
    assert_eq!(wrong("[limits.a]\nbase = 7"), "line 2: limits.a.base = 7: must be one of default");
    let unknown = wrong("[limits.a]\nlimits = 7");
    assert!(unknown.starts_with("line 2: limits.a.limits = 7: no such setting: did you mean limit?"), "{unknown}");
    assert_eq!(wrong("[limits.a]\nlimit = 0"), "line 2: limits.a.limit = 0: must be 1 to 1000000");
    assert_eq!(wrong("limits = 7"), "line 1: limits = 7: must be a table");
}

#[test]
fn table_survives_being_written() {
    let settings =
        read("[limits.default]\nlimit = 4\n[limits.a]\nqueue = 9\n[breakers.b]\nconsecutive_failures = 'off'");
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    assert_eq!(from_toml(&toml_of(&settings), Settings::validate).unwrap(), settings);
}

fn toml_of(settings: &Settings) -> String {
    toml::to_string(settings).unwrap()
}
