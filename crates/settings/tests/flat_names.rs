//! Nested settings with flat second names, and reading that returns every fault.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{ffi::OsString, time::Duration};

use mainstay_core::InvalidSetting;
use mainstay_settings::{Error, FlatName, Sources};
use serde::Deserialize;

static NAMES: [FlatName; 4] = [
    FlatName { path: "listen", name: "LISTEN", default: "anywhere", allowed: "a word" },
    FlatName { path: "limits.most", name: "MAX_REQUESTS", default: "10", allowed: "1 to 1000" },
    FlatName { path: "limits.timeout", name: "TIMEOUT_SECONDS", default: "0.5", allowed: "0.001 to 60" },
    FlatName { path: "backend.urls", name: "BACKEND_URLS", default: "", allowed: "words, separated by commas" },
];

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Program {
    listen: String,
    limits: Limits,
    #[serde(default)]
    backend: Backend,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Limits {
    most: u32,
    #[serde(with = "humantime_serde")]
    timeout: Duration,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Backend {
    urls: Vec<String>,
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Program, Vec<Error>> {
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    Sources::toml(text).flat_names_from(&NAMES, variable).read_all(|program: &Program| {
        let fault = |field, value| vec![InvalidSetting::new(field, value, "must be below the timeout")];
        match (program.limits.most, program.listen.as_str()) {
            (77, _) => fault("limits.most", 77),
            (_, "blame the default") => fault("limits.most", program.limits.most),
            _ => Vec::new(),
        }
    })
}

fn errors(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    read(text, variables).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn nested_keys_flat_keys_and_flat_variables_read_the_same() {
    let expected = Program {
        listen: "here".into(),
        limits: Limits { most: 5, timeout: Duration::from_millis(250) },
        backend: Backend { urls: vec!["a".into(), "b".into()] },
    };
    let nested = "listen = 'here'\n[limits]\nmost = 5\ntimeout = '250ms'\n[backend]\nurls = ['a', 'b']";
    assert_eq!(read(nested, &[]).unwrap(), expected);
    let flat = "listen = 'here'\nmax_requests = 5\ntimeout_seconds = 0.25\nbackend_urls = ['a', 'b']";
    assert_eq!(read(flat, &[]).unwrap(), expected);
    let text = "listen = 'here'\nmax_requests = '5'\ntimeout_seconds = '0.25'\nbackend_urls = 'a, b'";
    assert_eq!(read(text, &[]).unwrap(), expected);
    let variables =
        [("LISTEN", "here"), ("MAX_REQUESTS", "5"), ("TIMEOUT_SECONDS", " 0.25 "), ("BACKEND_URLS", "a, b")];
    assert_eq!(read("", &variables).unwrap(), expected);
}

#[test]
fn defaults_of_the_table_fill_what_is_not_given() {
    let limits = Limits { most: 10, timeout: Duration::from_millis(500) };
    let expected = Program { listen: "anywhere".into(), limits, backend: Backend { urls: Vec::new() } };
    assert_eq!(read("", &[]).unwrap(), expected);
    assert_eq!(read("limits.most = 5", &[]).unwrap().limits.timeout, Duration::from_millis(500));
}

#[test]
fn words_of_variables_may_have_any_case() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Info,
    }
    #[derive(Debug, Deserialize)]
    struct Log {
        level: Level,
    }
    static LEVEL: [FlatName; 1] = [FlatName { path: "level", name: "LOG_LEVEL", default: "", allowed: "info" }];
    let read = |text: &str| {
        let sources = Sources::none().flat_names_from(&LEVEL, |_| Some(text.into()));
        sources.read(|_: &Log| Ok(())).map(|log| log.level).map_err(|error| error.to_string())
    };
    assert_eq!(read("INFO"), Ok(Level::Info));
    assert_eq!(read("loud"), Err("LOG_LEVEL = loud: must be info".to_owned()));
}

#[test]
fn flat_variable_wins_over_nested_and_flat_key() {
    for text in ["limits.most = 5", "max_requests = 5"] {
        assert_eq!(read(text, &[("MAX_REQUESTS", "6")]).unwrap().limits.most, 6);
        assert_eq!(read(text, &[("MAX_REQUESTS", " ")]).unwrap().limits.most, 5, "a blank variable is not set");
    }
}

#[test]
fn flat_and_nested_key_together_are_an_error() {
    let error = errors("max_requests = 5\n[limits]\nmost = 6", &[]);
    let expected = "line 1: max_requests = 5: must be left out: limits.most is given too, and is the same setting";
    assert_eq!(error, [expected]);
}

#[test]
fn error_has_the_name_and_the_value_as_written() {
    assert_eq!(errors("", &[("MAX_REQUESTS", "many")]), ["MAX_REQUESTS = many: must be 1 to 1000"]);
    assert_eq!(errors("\nmax_requests = true", &[]), ["line 2: max_requests = true: must be 1 to 1000"]);
    let nested = errors("limits.most = true", &[]);
    assert_eq!(nested, ["line 1: limits.most = true: must be a whole number, 0 to 4294967295"]);
    // The check of the settings as a whole.
    assert_eq!(errors("", &[("MAX_REQUESTS", "77")]), ["MAX_REQUESTS = 77: must be below the timeout"]);
    assert_eq!(errors("max_requests = 77", &[]), ["line 1: max_requests = 77: must be below the timeout"]);
    assert_eq!(errors("limits.most = 77", &[]), ["line 1: limits.most = 77: must be below the timeout"]);
    let default = errors("", &[("LISTEN", "blame the default")]);
    assert_eq!(default, ["limits.most (MAX_REQUESTS) = 10 (default): must be below the timeout"]);

    let error = &read("", &[("MAX_REQUESTS", "many")]).unwrap_err()[0];
    assert_eq!((error.variable(), error.line()), (Some("MAX_REQUESTS"), None));
}

#[test]
fn flat_name_of_a_duration_takes_a_number_of_seconds_only() {
    for text in ["5 s", "5s", "-1", "NaN", "inf", "1e300", "soon"] {
        let error = errors("", &[("TIMEOUT_SECONDS", text)]);
        assert_eq!(error, [format!("TIMEOUT_SECONDS = {text}: must be 0.001 to 60")]);
    }
    assert!(errors("limits.timeout = 5", &[])[0].contains("must be a duration"), "a nested key takes a duration only");
}

#[test]
fn misspelt_flat_key_gets_a_suggestion() {
    let error = errors("max_request = 5", &[]);
    assert_eq!(error, ["line 1: max_request = 5: no such setting: did you mean max_requests?"]);
    let error = errors("limit = 5", &[]);
    assert!(error[0].contains("did you mean limits?"), "{error:?}");
    let error = errors("limits.mos = 5", &[]);
    assert!(error[0].contains("did you mean most?"), "{error:?}");
}

#[test]
fn misspelt_variable_is_a_warning() {
    let variables = [("MAX_REQUEST", "5"), ("ORDERS_PORT", "80"), ("TIMEOUT_SECONDS", "5")];
    let sources = Sources::none().flat_names_among(&NAMES, variables);
    let warning = "the variable MAX_REQUEST is not used: did you mean MAX_REQUESTS?";
    assert_eq!(sources.warnings::<Program>(), [warning]);
    let program = sources.read_all(|_: &Program| Vec::new()).unwrap();
    assert_eq!(program.limits.timeout, Duration::from_secs(5));
}

#[test]
fn every_fault_is_returned() {
    let text = "\nlisen = 'x'\n[limits]\nmost = -1\ntimeout = 'soon'\n[backend]\nurls = ['a', 2]\n[more]";
    let errors = errors(text, &[("TIMEOUT_SECONDS", "-1")]);
    let places: Vec<_> = errors.iter().map(|error| error.split(" = ").next().unwrap()).collect();
    let expected =
        ["TIMEOUT_SECONDS", "line 2: lisen", "line 4: limits.most", "line 7: backend.urls.1", "line 8: more"];
    assert_eq!(places, expected, "{errors:#?}");
    let many: String = (0..1_000).map(|i| format!("unknown{i} = {i}\n")).collect();
    assert_eq!(self::errors(&many, &[]).len(), 50);
    assert_eq!(self::errors("= 1", &[]).len(), 1);
}

#[test]
fn section_that_is_no_table_is_an_error() {
    assert_eq!(errors("limits = 3\nmax_requests = 5", &[]), ["line 1: limits = 3: must be a table"]);
}

#[cfg(unix)]
#[test]
fn flat_variable_that_is_not_utf8_is_named_in_error() {
    use std::os::unix::ffi::OsStringExt;

    let raw = |name: &str| (name == "LISTEN").then(|| OsString::from_vec(vec![0x31, 0xff]));
    let errors = Sources::none().flat_names_from(&NAMES, raw).read_all(|_: &Program| Vec::new()).unwrap_err();
    assert!(errors[0].to_string().starts_with("LISTEN = 1"), "{}", errors[0]);
}
