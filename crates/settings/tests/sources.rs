//! Reading settings from documents and variables, and the errors for mistakes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use mainstay_bulkhead::{KeyedBulkheadSettings, LimitSettings};
use mainstay_circuit_breaker::{BreakerSettings, KeyedBreakerSettings, Recovery, TrialCriteria, WindowSettings};
use mainstay_core::InvalidSetting;
use mainstay_drain::DrainSettings;
use mainstay_failover::{
    FailoverSettings, ProbeSettings,
    stack::{DependencySettings, StandardSettings},
};
use mainstay_fallback::FallbackSettings;
use mainstay_retry::{RetrySettings, Scaling};
use mainstay_settings::{Sources, from_file, from_toml};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const SECOND: Duration = Duration::from_secs(1);

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Calls the closure with a file of this content, and removes the file.
fn with_file<R>(name: &str, text: &[u8], test: impl FnOnce(&Path) -> R) -> R {
    let file = std::env::temp_dir().join(format!("mainstay-{}-{name}", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let result = test(&file);
    std::fs::remove_file(&file).unwrap();
    result
}

fn stack(text: &str) -> Result<StandardSettings, String> {
    let sources = Sources::toml(text).table("stack");
    sources.read(StandardSettings::validate).map_err(|error| error.to_string())
}

fn wrong(text: &str) -> String {
    stack(text).unwrap_err()
}

#[test]
fn examples_list_every_default() {
    lists_every_default::<StandardSettings>("stack", StandardSettings::validate);
    lists_every_default::<DependencySettings>("dependency", DependencySettings::validate);
}

fn lists_every_default<T: Default + DeserializeOwned + Serialize>(
    table: &str,
    validate: fn(&T) -> Result<(), InvalidSetting>,
) {
    let file = example(&format!("{table}.toml"));
    let read: T = Sources::file(&file).table(table).read(validate).unwrap();
    let defaults = serde_json::to_value(T::default()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), defaults);

    // The example has every path that a serialized default has.
    let text = std::fs::read_to_string(file).unwrap();
    let written: toml::Table = text.parse().unwrap();
    let written = serde_json::to_value(&written[table]).unwrap();
    let missing = missing(&defaults, &written, "");
    assert!(missing.is_empty(), "{missing:?}");
}

fn missing(defaults: &serde_json::Value, written: &serde_json::Value, path: &str) -> Vec<String> {
    let Some(fields) = defaults.as_object() else { return Vec::new() };
    let below = |(key, default)| match written.get(key) {
        Some(written) => missing(default, written, &format!("{path}.{key}")),
        None => vec![format!("{path}.{key}")],
    };
    fields.iter().flat_map(below).collect()
}

#[test]
fn settings_of_every_pattern_are_read() {
    let retry = from_toml(
        "max_attempts = 5\nscaling = 'adaptive'\n[backoff]\nshape = { exponential = { factor = 1.5 } }\ncap = '1m 30s'",
        RetrySettings::validate,
    );
    let retry = retry.unwrap();
    assert_eq!((retry.max_attempts, retry.scaling, retry.backoff.cap), (5, Scaling::Adaptive, 90 * SECOND));

    let breaker = "failure_rate = 'off'\nconsecutive_failures = 4\nwindow = { last = '1m' }\n\
        [recovery.trials]\npermits = 1\nlease = '5s'\ncriteria = { successes = 2 }";
    let breaker = from_toml(breaker, BreakerSettings::validate).unwrap();
    assert_eq!((breaker.failure_rate, breaker.consecutive_failures), (None, Some(4)));
    assert_eq!(breaker.window, WindowSettings::Last(60 * SECOND));
    let trials = Recovery::Trials { permits: 1, lease: 5 * SECOND, criteria: TrialCriteria::Successes(2) };
    assert_eq!(breaker.recovery, trials);

    let limit = from_toml("limit = 5\nmax_wait = 'off'", LimitSettings::validate).unwrap();
    assert_eq!((limit.limit, limit.max_wait), (5, None));
    let failover = from_toml("second_attempt = 'off'\nall_down = 'refuse'", FailoverSettings::validate).unwrap();
    assert_eq!(failover.second_attempt, None);
    let fallback = from_toml("on_rejected = false", FallbackSettings::validate).unwrap();
    assert!(!fallback.on_rejected);
    let drain = from_toml("drain_delay = '3s'", DrainSettings::validate).unwrap();
    assert_eq!(drain.drain_delay, 3 * SECOND);
}

#[test]
fn keyed_settings_are_read_and_checked() {
    let file = "[tenants]\ncapacity = 50\nlimit = { limit = 4, queue = 2, max_wait = '250ms' }";
    let sources = Sources::toml(file).table("tenants").variables("TENANTS", [("TENANTS__LIMIT__LIMIT", "9")]);
    let tenants = sources.read(KeyedBulkheadSettings::validate).unwrap();
    assert_eq!((tenants.capacity, tenants.limit.limit, tenants.limit.queue), (50, 9, 2));

    let wrong = from_toml("[limit]\nlimit = 0", KeyedBulkheadSettings::validate).unwrap_err().to_string();
    assert_eq!(wrong, "line 2: limit.limit = 0: must be 1 to 1000000");
    let wrong = from_toml("[breaker]\nminimum_calls = 0", KeyedBreakerSettings::validate).unwrap_err().to_string();
    assert!(wrong.starts_with("line 2: breaker.minimum_calls = 0: must be "), "{wrong}");
}

#[test]
fn error_names_line_field_value_and_allowed() {
    assert_eq!(
        wrong("[stack]\n\ntotal_timeout = '10 parsecs'"),
        r#"line 3: stack.total_timeout = "10 parsecs": must be a duration, such as "250ms" or "1m 30s""#
    );
    assert_eq!(
        wrong("[stack]\ntotal_timeout = 30"),
        r#"line 2: stack.total_timeout = 30: must be a duration, such as "250ms" or "1m 30s""#
    );
    assert_eq!(
        wrong("[stack.retry]\nmax_attempts = 0"),
        "line 2: stack.retry.max_attempts = 0: must be 1 to 4294967295"
    );
    assert_eq!(
        wrong("[stack]\nretry.max_attempts = -1"),
        "line 2: stack.retry.max_attempts = -1: must be a whole number, 0 to 4294967295",
        "the settings have no range of their own"
    );
    let default = wrong("[stack]\n[stack.failover.hold]\nbase = '10m'");
    let expected = "line 3: stack.failover.hold.max = 5m (default): must be at least base, 10m";
    assert_eq!(default, expected, "the line of the setting that bounds the default");
    assert_eq!(
        wrong("[stack]\nattempt_timeout = '30s'"),
        r#"line 2: stack.attempt_timeout = "30s": must be below total_timeout, 30s"#
    );
    let unknown = wrong("[stack.failover]\n\nhold.bse = '30s'");
    let expected = "line 3: stack.failover.hold.bse = \"30s\": no such setting: did you mean base? There are base, max";
    assert!(unknown.starts_with(expected), "{unknown}");
    assert!(!wrong("[stack]\nzzz = 1").contains("did you mean"));
    let variant =
        r#"line 2: stack.failover.all_down = "pray": must be one of prefer_primary, refuse, last_resort, or "off""#;
    assert_eq!(wrong("[stack.failover]\nall_down = 'pray'"), variant);
    let two = "[stack.failover]\nwindow = { last = '1s', last_calls = 3 }";
    assert_eq!(wrong(two), "line 2: stack.failover.window = (a table): must have exactly one of last_calls, last");
    assert_eq!(
        wrong("[stack.failover]\nwindow = 'last'"),
        "line 2: stack.failover.window = \"last\": must be written with its value: { name = value }"
    );
    assert_eq!(
        wrong("[stack.failover]\nsecond_attempt = 5"),
        "line 2: stack.failover.second_attempt = 5: must be a table, or \"off\""
    );
    assert_eq!(
        wrong("[stack.bulkhead]\nlimit = 99999999999999999999"),
        "line 2: stack.bulkhead.limit = 99999999999999999999: must be 1 to 1000000"
    );
}

/// `interval` alone was refused, because of a timeout that is not in the file.
#[test]
fn defaults_of_probes_follow_their_interval() {
    for interval in ["2ms", "500ms", "1s", "5m"] {
        let probe = stack(&format!("[stack]\nfailover.probe.interval = '{interval}'")).unwrap().failover.probe;
        assert_eq!(probe, ProbeSettings::every(probe.interval));
    }
    let probe = stack("[stack.failover.probe]\ninterval = '1s'\ntimeout = '100ms'").unwrap().failover.probe;
    assert_eq!((probe.timeout, probe.interval_counting), (SECOND / 10, SECOND));
}

#[test]
fn text_is_shown_in_quotes() {
    let error = wrong("[stack.bulkhead]\nlimit = '5'");
    assert_eq!(error, r#"line 2: stack.bulkhead.limit = "5": must be 1 to 1000000"#);
}

#[test]
fn range_of_a_number_is_that_of_its_setting() {
    assert_eq!(wrong("[stack.bulkhead]\nlimit = -1"), "line 2: stack.bulkhead.limit = -1: must be 1 to 1000000");
    assert_eq!(
        wrong("[stack.failover]\nfailure_rate = 'half'"),
        r#"line 2: stack.failover.failure_rate = "half": must be above 0 and at most 1, or "off""#
    );
    let two = wrong("[stack.failover]\nfailure_rate = 'half'\n[stack.bulkhead]\nlimit = -1");
    assert!(two.contains("must be a whole number") || two.contains("must be a number"), "another fault: {two}");
}

#[test]
fn line_of_a_value_inside_an_enum_is_found() {
    let error = wrong("[stack.retry.backoff]\nbase = '1s'\nshape = { exponential = { factor = 0.5 } }");
    assert_eq!(error, "line 3: stack.retry.backoff.shape.exponential.factor = 0.5: must be 1 to 1000");
    let error = wrong("[stack]\nretry = { backoff = { jitter = { proportional = { share = 7 } } } }");
    assert_eq!(error, "line 2: stack.retry.backoff.jitter.proportional.share = 7: must be 0 to 1");
}

#[test]
fn invalid_toml_and_missing_table_are_errors() {
    let syntax = wrong("[stack]\nretry = [");
    assert!(syntax.starts_with("line 2: not TOML: "), "{syntax}");
    assert_eq!(wrong("[stakc]\nretry.max_attempts = 3"), "there is no table [stack]");
    assert_eq!(wrong("stack = 3"), "line 1: stack = 3: must be a table");
    assert_eq!(wrong(""), "there is no table [stack]", "an empty file does not mean all defaults");
}

#[test]
fn file_extension_selects_format_and_errors_name_file() {
    with_file("limit.toml", b"limit = 7\nqueue = -1", |file| {
        let error = from_file(file, LimitSettings::validate).unwrap_err();
        assert_eq!((error.file(), error.line()), (Some(file), Some(2)));
        let expected = format!("{}:2: queue = -1: must be 0 to 1000000", file.display());
        assert_eq!(error.to_string(), expected);
    });
    with_file("limit.yaml", b"limit: 7", |file| {
        let error = from_file(file, LimitSettings::validate).unwrap_err();
        assert!(error.to_string().contains("must end in .toml"), "{error}");
    });
    with_file("latin.toml", b"limit = 7 # \xe9", |file| {
        let error = from_file(file, LimitSettings::validate).unwrap_err();
        assert!(error.to_string().contains("can't be read: "), "{error}");
    });
    with_file("long.toml", &b" ".repeat((1 << 20) + 1), |file| {
        let error = from_file(file, LimitSettings::validate).unwrap_err();
        assert!(error.to_string().ends_with("is longer than 1 MiB"), "{error}");
    });
    let error = from_file("/nowhere/limit.toml", LimitSettings::validate).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/limit.toml: can't be read: "), "{error}");
    assert!(error.setting().is_none());
}

#[cfg(feature = "json")]
#[test]
fn json_is_read_like_toml() {
    use mainstay_settings::from_json;

    let text = serde_json::to_string(&StandardSettings::default()).unwrap();
    let read = from_json(&text, StandardSettings::validate).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text, "serialized settings are read back");

    let failover = from_json(r#"{ "second_attempt": null, "failure_rate": 1 }"#, FailoverSettings::validate).unwrap();
    assert_eq!((failover.second_attempt, failover.failure_rate), (None, Some(1.0)));
    let error = from_json("{\n\"limit\": 0 }", LimitSettings::validate).unwrap_err();
    assert_eq!(error.to_string(), "line 2: limit = 0: must be 1 to 1000000");
    let error = from_json("{\n\"limit\": }", LimitSettings::validate).unwrap_err();
    assert!(error.to_string().starts_with("line 2: not JSON: "), "{error}");
}

#[cfg(feature = "json")]
#[test]
fn json_errors_have_lines() {
    let read = |text: &str| {
        let read = Sources::json(text).table("stack").read(StandardSettings::validate);
        read.map_err(|error| error.to_string())
    };
    let text = "{\n \"stack\": {\n  \"retry\": {\n   \"max_attempts\": 0\n  }\n }\n}";
    assert_eq!(read(text).unwrap_err(), "line 4: stack.retry.max_attempts = 0: must be 1 to 4294967295");
    let text = "{\"stack\": {\n\n\"failover\":\n{\"hold\":{\"bse\":\n\"1s\"}}}}";
    assert!(read(text).unwrap_err().starts_with("line 5: stack.failover.hold.bse = \"1s\": no such setting"));
    let text = "{\"stack\": [\n1]}";
    assert_eq!(read(text).unwrap_err(), "line 1: stack = [1]: must be a table");
    for deep in ["[".repeat(50_000) + &"]".repeat(50_000), "{\"a\":".repeat(50_000) + "1" + &"}".repeat(50_000)] {
        assert!(read(&deep).unwrap_err().contains("not JSON"));
    }
    assert_eq!(read("{\"stack\": {\"total_timeout\": \"\\u00317s\"}}").unwrap().total_timeout, 17 * SECOND);
}

#[test]
fn misspelt_variable_is_a_warning_that_names_the_nearest() {
    let warnings = |name: &str| {
        let sources = Sources::none().variables("ORDERS", [(name, "5")]);
        let warnings = sources.warnings::<StandardSettings>();
        sources.read(StandardSettings::validate).map_err(|error| error.to_string()).unwrap();
        warnings
    };
    for (name, meant) in [
        ("ORDERS_RETRY__MAX_ATTEMPTS", "ORDERS__RETRY__MAX_ATTEMPTS"),
        ("ORDERS_RETRY_MAX_ATTEMPTS", "ORDERS__RETRY__MAX_ATTEMPTS"),
        ("ORDERS_RETRY_MAX_ATEMPTS", "ORDERS__RETRY__MAX_ATTEMPTS"),
        ("ORDERS_TOTAL_TIMEOUT", "ORDERS__TOTAL_TIMEOUT"),
        ("ORDERS_FAILOVER_HOLD_BASE", "ORDERS__FAILOVER__HOLD__BASE"),
    ] {
        assert_eq!(warnings(name), [format!("the variable {name} is not used: did you mean {meant}?")]);
    }
    // Of an orchestrator, or of another program whose name begins in the same way.
    for name in ["ORDERS_SERVICE_HOST", "ORDERS_PORT_8080_TCP_ADDR", "ORDERS_PORT", "ORDERS_", "ORDERSDB_RETRY__BASE"] {
        assert_eq!(warnings(name), [""; 0], "{name}");
    }
}

#[test]
fn variables_win_over_file() {
    let file = "[stack]\ntotal_timeout = '20s'\nfailover.second_attempt = 'off'\n[stack.retry]\nmax_attempts = 2\nattempt_quota = 7";
    let variables = [
        ("ORDERS__RETRY__MAX_ATTEMPTS", "5"),
        ("ORDERS__FAILOVER__HOLD__JITTER", "0"),
        ("ORDERS__FAILOVER__DRY_RUN", "true"),
        ("ORDERS__FAILOVER__ALL_DOWN", "refuse"),
        ("ORDERS__FAILOVER__WINDOW__LAST_CALLS", "50"),
        ("ORDERS__FAILOVER__SECOND_ATTEMPT__ON_REJECTED", "true"),
        ("ORDERS__FAILOVER__ABANDONED_AFTER", "off"),
        ("ORDERS__ATTEMPT_TIMEOUT", " "),
        ("OTHERS__ATTEMPT_TIMEOUT", "1ms"),
        ("ORDERS_ATTEMPT_TIMEOUT", "1ms"),
    ];
    let sources = Sources::toml(file).table("stack").variables("ORDERS", variables);
    let read: StandardSettings = sources.read(StandardSettings::validate).unwrap();
    assert_eq!((read.retry.max_attempts, read.retry.attempt_quota), (5, 7));
    assert_eq!((read.total_timeout, read.attempt_timeout), (20 * SECOND, 10 * SECOND));
    let failover = read.failover;
    assert_eq!((failover.hold.jitter, failover.dry_run, failover.abandoned_after), (0.0, true, None));
    assert_eq!(failover.window, WindowSettings::LastCalls(50));
    assert!(failover.second_attempt.unwrap().on_rejected, "the variable wins over `off` in the file");
}

#[test]
fn wrong_variable_is_named_in_error() {
    let wrong = |name: &str, value: &str| {
        let sources = Sources::none().table("stack").variables("ORDERS", [(name, value)]);
        let error = sources.read(StandardSettings::validate).unwrap_err();
        assert_eq!(error.variable(), Some(name));
        error.to_string()
    };
    assert_eq!(
        wrong("ORDERS__RETRY__MAX_ATTEMPTS", "many"),
        "ORDERS__RETRY__MAX_ATTEMPTS: stack.retry.max_attempts = many: must be a whole number, 0 to 4294967295"
    );
    assert_eq!(
        wrong("ORDERS__FAILOVER__DRY_RUN", "yes"),
        "ORDERS__FAILOVER__DRY_RUN: stack.failover.dry_run = yes: must be true or false"
    );
    assert!(wrong("ORDERS__RETRY__MAX_ATEMPTS", "5").contains("did you mean max_attempts?"));
    assert!(wrong("ORDERS__RETRY", "5").ends_with("stack.retry = 5: must be a table"));
    assert!(wrong("ORDERS____", "5").contains("no such setting"));
    assert!(wrong(&format!("ORDERS{}", "__A".repeat(50_000)), "5").contains("no such setting"));
}

/// Unbounded nesting must not overflow the stack.
#[test]
fn deep_nesting_is_an_error() {
    let many = 50_000;
    assert!(stack(&format!("[stack]\nretry = {}", "[".repeat(many))).is_err());
    assert!(stack(&format!("[stack]\nretry = {}1{}", "[".repeat(many), "]".repeat(many))).is_err());
    assert!(stack(&format!("[stack]\nretry = {}", "{a=".repeat(many))).is_err());
    assert!(stack(&format!("[stack]\nretry{} = 1", ".a".repeat(many))).is_err());
    assert!(stack(&format!("[stack.retry{}]\nb = 1", ".a".repeat(many))).is_err());
}

#[test]
fn control_characters_are_escaped_in_errors() {
    let error = wrong("[stack]\n\"a\\nWARN b\" = 'c\\nd'");
    assert_eq!(error.lines().count(), 1, "{error}");
    let sources = Sources::none().variables("A", [("A__TOKEN", "hidden")]);
    assert!(!format!("{sources:?}").contains("hidden"));
}

#[cfg(unix)]
#[test]
fn variable_that_is_not_utf8_is_named_in_error() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    let variables = [("A__LIMIT", OsString::from_vec(vec![0x31, 0xff]))];
    let error = Sources::none().variables("A", variables).read(LimitSettings::validate).unwrap_err();
    assert!(error.to_string().starts_with("A__LIMIT: limit = 1"), "{error}");
    assert!(error.to_string().ends_with("must be UTF-8"), "{error}");
}

#[derive(Debug, Deserialize, PartialEq)]
struct Program {
    name: String,
    ports: Vec<u16>,
    ratio: f32,
    #[serde(default)]
    retry: RetrySettingsOnly,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct RetrySettingsOnly {
    max_attempts: u32,
}

#[test]
fn own_struct_is_read() {
    let fine = |_: &Program| Ok::<_, InvalidSetting>(());
    let variables = [("P__PORTS", "80, 443"), ("P__NAME", "7"), ("P__RATIO", "1")];
    let program = Sources::toml("retry.max_attempts = 1").variables("P", variables).read(fine).unwrap();
    let retry = RetrySettingsOnly { max_attempts: 1 };
    assert_eq!(program, Program { name: "7".into(), ports: vec![80, 443], ratio: 1.0, retry });

    let missing = from_toml("name = 'x'\nports = []", fine).unwrap_err();
    assert_eq!(missing.to_string(), "line 1: ratio = (not set): must be set");
    let element = from_toml("name = 'x'\nratio = 1\nports = [1,\n70000]", fine).unwrap_err();
    assert_eq!(element.to_string(), "line 4: ports.1 = 70000: must be a whole number, 0 to 65535");
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_never_panics(text in "(\\[?[a-z_.\"']{0,12}[\\]= {}\\[,\n\"']{0,4}[0-9a-z\"']{0,6}[\n\\]}]?){0,8}") {
            let _ = stack(&text);
            let _ = stack(&format!("[stack]\n{text}"));
            let _ = Sources::none().variables("A", [(format!("A__{text}"), text)]).read(StandardSettings::validate);
        }

        #[test]
        fn written_durations_are_read_back(millis in 1_u64..31_536_000_000) {
            let time = Duration::from_millis(millis);
            let written = toml::to_string(&RetrySettings { deadline: Some(time), ..RetrySettings::default() }).unwrap();
            prop_assert_eq!(from_toml(&written, RetrySettings::validate).unwrap().deadline, Some(time));
        }
    }
}
