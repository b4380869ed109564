use std::{collections::BTreeMap, ffi::OsString};

use super::*;

fn from_environment(variables: &[(&str, &str)]) -> Result<Settings, Vec<InvalidSetting>> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    Settings::read(Sources::default().with_environment(|name| variables.get(name).map(OsString::from)))
}

fn from_file(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Vec<InvalidSetting>> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let path = std::env::temp_dir().join(format!("gateway-settings-{}-{}.toml", std::process::id(), text.len()));
    std::fs::write(&path, text).unwrap();
    let sources = Sources::default().with_file(&path);
    std::fs::remove_file(&path).unwrap();
    Settings::read(sources.with_environment(|name| variables.get(name).map(OsString::from)))
}

fn wrong(variables: &[(&str, &str)]) -> String {
    let errors: Vec<_> = from_environment(variables).unwrap_err().iter().map(ToString::to_string).collect();
    errors.join("\n")
}

#[test]
fn the_table_says_the_defaults() {
    let table: Vec<_> = fields::FIELDS.iter().map(|field| (field.name, field.default)).collect();
    assert_eq!(from_environment(&table).unwrap(), Settings::default());
    assert_eq!(from_environment(&[]).unwrap(), Settings::default());
}

#[test]
fn every_field_of_the_table_is_read() {
    for field in fields::FIELDS {
        let errors = from_environment(&[(field.name, "\u{1}?#")]).unwrap_err();
        assert_eq!(errors[0].field(), field.name);
        assert!(errors[0].allowed().contains(field.allowed), "{}", errors[0]);
    }
}

#[test]
fn the_readme_shows_the_table() {
    let readme = include_str!("../../README.md");
    for fields::Field { name, default, meaning, .. } in fields::FIELDS {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let row = format!("| `{name}` | {default} | {meaning} |");
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}

#[test]
fn seconds_are_positive_numbers_and_may_be_fractions() {
    let read = |text| from_environment(&[("BACKEND_HEALTH_TIMEOUT_SECONDS", text)]);
    assert_eq!(read("0.25").unwrap().health.timeout, Duration::from_millis(250));
    for text in ["0", "-1", "NaN", "inf", "-inf", "1e300", "5 s", "86401"] {
        let error = read(text).unwrap_err()[0].to_string();
        assert_eq!(error, format!("BACKEND_HEALTH_TIMEOUT_SECONDS = {text}: must be 0.001 to 86400"));
    }
}

#[test]
fn counts_are_whole_numbers_within_their_range() {
    for text in ["0", "-1", "1.5", "1001", "many", "99999999999999999999"] {
        let error = wrong(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", text)]);
        assert_eq!(error, format!("BACKEND_HEALTH_FAILURE_THRESHOLD = {text}: must be 1 to 1000"));
    }
    assert_eq!(from_environment(&[("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0")]).unwrap().health.probe_max_retries, 0);
}

#[test]
fn all_wrong_fields_are_named_at_once() {
    let errors = wrong(&[("REQUEST_TIMEOUT_SECONDS", "0"), ("LISTEN_ADDR", "nowhere"), ("ENVIRONMENT", "moon")]);
    assert_eq!(errors.lines().count(), 3);
}

#[test]
fn contradictions_name_both_fields() {
    let error = wrong(&[("REQUEST_TIMEOUT_SECONDS", "5"), ("ATTEMPT_TIMEOUT_SECONDS", "6")]);
    assert_eq!(error, "ATTEMPT_TIMEOUT_SECONDS = 6: must be below REQUEST_TIMEOUT_SECONDS, 5");
    let error = wrong(&[("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "1")]);
    let interval = "BACKEND_HEALTH_TIMEOUT_SECONDS = 1: must be below BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS, 1";
    assert_eq!(error, interval);
    assert!(wrong(&[("BACKEND_API_FALLBACK_URL", "http://b")]).starts_with("BACKEND_API_URL = (not set)"));
    assert!(wrong(&[("ENVIRONMENT", "production")]).starts_with("BACKEND_API_URL = (not set)"));
}

#[test]
fn a_backend_is_an_http_address_without_secrets() {
    let read = |text| from_environment(&[("BACKEND_API_URL", text)]).map(|settings| settings.primary.unwrap());
    assert_eq!(read("http://orders.internal:9000/v2/").unwrap().path(), "/v2");
    for text in ["orders:80", "ftp://orders", "http://", "http://u:p@orders", "http://orders?x=1", "http://orders/#x"] {
        assert_eq!(read(text).unwrap_err()[0].field(), "BACKEND_API_URL", "{text}");
    }
}

#[test]
fn backups_are_listed_in_order_and_once() {
    let primary = ("BACKEND_API_URL", "http://a");
    let read = |backups| from_environment(&[primary, ("BACKEND_API_FALLBACK_URL", backups)]);
    let backups = read("http://c, http://b/").unwrap().backups;
    assert_eq!(backups, ["http://c", "http://b"].map(|url| url.parse::<Uri>().unwrap()));
    for repeated in ["http://a", "http://b,http://b/"] {
        assert!(read(repeated).unwrap_err()[0].allowed().contains("each backend once"));
    }
    assert!(read("http://b,,http://c").is_err());
}

#[test]
fn a_prefix_cannot_swallow_the_gateways_own_paths() {
    assert_eq!(from_environment(&[("API_PREFIX", "/v2/")]).unwrap().api_prefix, "/v2");
    for text in ["/", "api", "/healthz", "/metrics", "/a//b", "/a/../b", "/{x}", "/a?b", "/a b", "/%2e"] {
        assert!(wrong(&[("API_PREFIX", text)]).starts_with("API_PREFIX = "), "{text}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "listen_addr = \"127.0.0.1:1\"\nbackend_health_timeout_seconds = 2\nrequest_timeout_seconds = 10.5\n\
                backend_api_url = \"http://a\"\nbackend_api_fallback_url = [\"http://b\", \"http://c\"]";
    let settings = from_file(file, &[("LISTEN_ADDR", "127.0.0.1:2"), ("REQUEST_TIMEOUT_SECONDS", "")]).unwrap();
    assert_eq!(settings.listen_addr.port(), 2);
    assert_eq!(settings.health.timeout, Duration::from_secs(2));
    assert_eq!(settings.request_timeout, Duration::from_millis(10_500));
    assert_eq!(settings.backups.len(), 2);
}

#[test]
fn a_file_with_unknown_names_or_kinds_of_values_is_refused() {
    let errors = from_file("listen_adr = \"127.0.0.1:1\"\nlisten_addr = true\n[more]\nx = 1", &[]).unwrap_err();
    let fields: Vec<_> = errors.iter().map(InvalidSetting::field).collect();
    assert_eq!(fields, ["LISTEN_ADDR", "listen_adr", "more"]);
    assert!(from_file("= 1", &[]).unwrap_err()[0].allowed().starts_with("must be TOML"));
    let missing = Sources::default().with_file(std::path::Path::new("/nowhere.toml"));
    assert_eq!(Settings::read(missing).unwrap_err()[0].field(), "--config");
}
