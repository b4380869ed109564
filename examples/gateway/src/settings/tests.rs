use std::path::PathBuf;

use mainstay_settings::FlatName;

use super::{table::SETTINGS, *};

type Variables<'a> = &'a [(&'a str, &'a str)];

fn read(file: Option<PathBuf>, variables: Variables<'_>) -> Result<Settings, Vec<String>> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let read = Settings::read(file, variables);
    read.map(|(settings, _)| settings).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn from_environment(variables: Variables<'_>) -> Result<Settings, Vec<String>> {
    read(None, variables)
}

/// Errors name the file as `FILE`.
fn from_file(text: &str, variables: Variables<'_>) -> Result<Settings, Vec<String>> {
    static FILES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = FILES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("gateway-settings-{}-{number}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let settings = read(Some(path.clone()), variables);
    std::fs::remove_file(&path).unwrap();
    settings.map_err(|errors| errors.iter().map(|error| error.replace(path.to_str().unwrap(), "FILE")).collect())
}

fn wrong(variables: Variables<'_>) -> String {
    from_environment(variables).unwrap_err().join("\n")
}

fn defaults() -> Settings {
    from_environment(&[]).unwrap()
}

#[test]
fn defaults_of_the_table_are_the_same_by_each_name() {
    let variables: Vec<_> = SETTINGS.iter().map(|setting| (setting.flat.name, setting.flat.default)).collect();
    assert_eq!(from_environment(&variables).unwrap(), defaults());
    let flat = SETTINGS.iter().filter(|setting| !setting.flat.default.is_empty());
    let flat: String = flat.map(|it| format!("{} = '{}'\n", it.flat.name.to_lowercase(), it.flat.default)).collect();
    assert_eq!(from_file(&flat, &[]).unwrap(), defaults());
    let nested = SETTINGS.iter().filter_map(|it| Some(format!("{} = {}\n", it.flat.path, it.default_in_file()?)));
    assert_eq!(from_file(&nested.collect::<String>(), &[]).unwrap(), defaults());
}

#[test]
fn every_setting_is_read_by_each_name() {
    for setting in SETTINGS {
        let FlatName { path, name, allowed, .. } = setting.flat;
        assert_eq!(wrong(&[(name, "\u{1}?#")]), format!("{name} = \\u{{1}}?#: must be {allowed}"));
        let flat = name.to_lowercase();
        let value = if allowed == "true or false" { "3" } else { "true" };
        let error = from_file(&format!("\n{flat} = {value}"), &[]).unwrap_err();
        assert_eq!(error, [format!("FILE:2: {flat} = {value}: must be {allowed}")]);
        let error = from_file(&format!("\n\n{path} = {value}"), &[]).unwrap_err();
        assert!(error.len() == 1 && error[0].starts_with(&format!("FILE:3: {path} = {value}: must be ")), "{error:?}");
    }
}

#[test]
fn ranges_of_help_are_those_of_the_file() {
    let help = table::help();
    for setting in SETTINGS.iter().filter(|setting| setting.flat.name.ends_with("_SECONDS")) {
        let error = &from_file(&format!("{} = '2d'", setting.flat.path), &[]).unwrap_err()[0];
        let range = error.split("must be ").nth(1).unwrap();
        let lines = help.lines().skip_while(|line| !line.ends_with(setting.flat.name));
        assert!(lines.take(3).any(|line| line.contains(&format!("file: {range}, "))), "{error}");
    }
}

#[test]
fn readme_lists_every_setting() {
    let readme = include_str!("../../README.md");
    for setting in SETTINGS {
        let default = setting.default_in_file().map_or(String::new(), |default| format!("`{default}`"));
        let row = format!("| `{}` | `{}` | {default} | {} |", setting.flat.path, setting.flat.name, setting.meaning);
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}

#[test]
fn example_file_of_the_readme_is_read() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings = from_file(example, &[]).unwrap();
    assert_eq!(settings.environment, Environment::Production);
    assert_eq!(settings.backend.fallback_urls.len(), 2);
    for section in ["[backend]", "[health]", "[limits]", "[drain]", "[log]"] {
        assert!(example.contains(section), "{section}");
    }
}

#[test]
fn variable_of_seconds_is_a_positive_number() {
    let read = |text| from_environment(&[("BACKEND_HEALTH_TIMEOUT_SECONDS", text)]);
    assert_eq!(read("0.25").unwrap().health.timeout, Duration::from_millis(250));
    for text in ["0", "-1", "NaN", "inf", "-inf", "1e300", "5 s", "86401"] {
        let error = read(text).unwrap_err();
        assert_eq!(error, [format!("BACKEND_HEALTH_TIMEOUT_SECONDS = {text}: must be 0.001 to 86400")]);
    }
}

#[test]
fn nested_duration_is_text_with_a_unit() {
    let read = |text: &str| from_file(&format!("[health]\ntimeout = {text}"), &[]);
    assert_eq!(read("'250ms'").unwrap().health.timeout, Duration::from_millis(250));
    assert_eq!(from_file("drain.delay = '0s'", &[]).unwrap().drain.delay, Duration::ZERO);
    for text in ["0s", "soon", "1d 1s", "1"] {
        let error = read(&format!("'{text}'")).unwrap_err();
        assert_eq!(error, [format!("FILE:2: health.timeout = \"{text}\": must be \"1ms\" to \"86400s\"")]);
    }
    assert_eq!(read("1").unwrap_err(), ["FILE:2: health.timeout = 1: must be \"1ms\" to \"86400s\""]);
}

#[test]
fn count_is_a_whole_number_within_its_range() {
    for text in ["0", "-1", "1.5", "1001", "many", "99999999999999999999"] {
        let error = wrong(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", text)]);
        assert_eq!(error, format!("BACKEND_HEALTH_FAILURE_THRESHOLD = {text}: must be 1 to 1000"));
        let error = from_file(&format!("health.failure_threshold = '{text}'"), &[]).unwrap_err();
        assert_eq!(error, [format!("FILE:1: health.failure_threshold = \"{text}\": must be 1 to 1000")]);
    }
    assert_eq!(from_environment(&[("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0")]).unwrap().health.probe_max_retries, 0);
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let errors = wrong(&[("REQUEST_TIMEOUT_SECONDS", "0"), ("LISTEN_ADDR", "nowhere"), ("ENVIRONMENT", "moon")]);
    assert_eq!(errors.lines().count(), 3);
    let errors = from_file("[health]\ntimeout = '0s'\n[limits]\nmax_concurrent_requests = 0", &[("LOG_LEVEL", "loud")]);
    let expected = [
        "LOG_LEVEL = loud: must be error, warn, info or debug",
        "FILE:2: health.timeout = \"0s\": must be \"1ms\" to \"86400s\"",
        "FILE:4: limits.max_concurrent_requests = 0: must be 1 to 1000000",
    ];
    assert_eq!(errors.unwrap_err(), expected);
}

#[test]
fn contradiction_names_both_settings() {
    let error = wrong(&[("REQUEST_TIMEOUT_SECONDS", "5"), ("ATTEMPT_TIMEOUT_SECONDS", "6")]);
    let request = "limits.request_timeout (REQUEST_TIMEOUT_SECONDS)";
    assert_eq!(error, format!("ATTEMPT_TIMEOUT_SECONDS = 6: must be below {request}, 5s"));
    let error = from_file("[limits]\nrequest_timeout = '5s'\nattempt_timeout = '6s'", &[]).unwrap_err();
    assert_eq!(error, [format!("FILE:3: limits.attempt_timeout = \"6s\": must be below {request}, 5s")]);
    let error = wrong(&[("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "1")]);
    let interval = "BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS: health.timeout (BACKEND_HEALTH_TIMEOUT_SECONDS) = 1s \
                    (default): must be below health.recheck_interval (BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS), 1s";
    assert_eq!(error, interval);
    assert!(
        wrong(&[("BACKEND_API_FALLBACK_URL", "http://b")]).starts_with("backend.url (BACKEND_API_URL) = (not set)")
    );
    assert!(wrong(&[("ENVIRONMENT", "production")]).starts_with("backend.url (BACKEND_API_URL) = (not set)"));
}

#[test]
fn backend_is_an_http_url_without_secrets() {
    let read = |text| from_environment(&[("BACKEND_API_URL", text)]).map(|settings| settings.backend.url.unwrap());
    assert_eq!(read("http://orders.internal:9000/v2/").unwrap().path(), "/v2");
    for text in ["orders:80", "ftp://orders", "http://", "http://u:p@orders", "http://orders?x=1", "http://orders/#x"] {
        assert!(read(text).unwrap_err()[0].starts_with("BACKEND_API_URL = "), "{text}");
        let error = from_file(&format!("backend.url = '{text}'"), &[]).unwrap_err();
        assert!(error[0].contains("must be http://"), "{error:?}");
    }
}

/// Defect: a refusal printed the password of a URL.
#[test]
fn refused_url_is_shown_without_its_password() {
    let list = "http://u:hunter2@a,u:hunter2@b,http//u:hunter2@c,http://hunter2@d, http://u:hun@ter2/x@e";
    let errors = [
        wrong(&[("BACKEND_API_URL", "http://u:hunter2@orders")]),
        wrong(&[("BACKEND_API_URL", "u:hunter2@orders:80")]),
        wrong(&[("BACKEND_API_URL", "http://a"), ("BACKEND_API_FALLBACK_URL", list)]),
        from_file("backend.url = 'http://u:hunter2@orders'", &[]).unwrap_err().join("\n"),
        from_file("backend_api_url = 'http://u:hunter2@orders'", &[]).unwrap_err().join("\n"),
        from_file("backend.fallback_urls = ['http://a', 'http://u:hunter2@orders']", &[]).unwrap_err().join("\n"),
        from_file("backend.api_prefix = 'http://u:hunter2@orders'", &[]).unwrap_err().join("\n"),
    ];
    for error in errors {
        assert!(!error.contains("hun") && !error.contains("ter2") && error.contains("***@"), "{error}");
    }
}

#[test]
fn backups_keep_their_order_and_occur_once() {
    let primary = ("BACKEND_API_URL", "http://a");
    let read = |backups| from_environment(&[primary, ("BACKEND_API_FALLBACK_URL", backups)]);
    let expected = ["http://c", "http://b"].map(|url| url.parse::<Uri>().unwrap());
    assert_eq!(read("http://c, http://b/").unwrap().backend.fallback_urls, expected);
    let file = "[backend]\nurl = 'http://a'\nfallback_urls = ['http://c', 'http://b/']";
    assert_eq!(from_file(file, &[]).unwrap().backend.fallback_urls, expected);
    for repeated in ["http://a", "http://b,http://b/"] {
        assert!(read(repeated).unwrap_err()[0].contains("each backend once"));
    }
    assert!(read("http://b,,http://c").is_err());
}

#[test]
fn prefix_cannot_be_a_path_of_the_gateway() {
    assert_eq!(from_environment(&[("API_PREFIX", "/v2/")]).unwrap().backend.api_prefix, "/v2");
    for text in ["/", "api", "/healthz", "/metrics", "/a//b", "/a/../b", "/{x}", "/a?b", "/a b", "/%2e"] {
        assert!(wrong(&[("API_PREFIX", text)]).starts_with("API_PREFIX = "), "{text}");
    }
}

/// Defect: the path of the probe could not be set.
#[test]
fn probe_path_is_a_path_and_follows_the_prefix_by_default() {
    assert_eq!(defaults().probe_path(), "/api/v1/healthz");
    assert_eq!(from_environment(&[("API_PREFIX", "/v2")]).unwrap().probe_path(), "/v2/healthz");
    for path in ["/", "/healthz", "/health/", "/actuator/health/readiness", "/a%20b"] {
        assert_eq!(from_environment(&[("BACKEND_HEALTH_PROBE_PATH", path)]).unwrap().probe_path(), path);
        let file = from_file(&format!("[health]\nprobe_path = '{path}'"), &[]).unwrap();
        assert_eq!(file.probe_path(), path);
    }
    for path in
        ["healthz", "http://a/healthz", "//", "/a//b", "/a//", "/../x", "/a/.", "/a?b=1", "/a#b", "/a b", "/ä", "@x"]
    {
        assert!(wrong(&[("BACKEND_HEALTH_PROBE_PATH", path)]).starts_with("BACKEND_HEALTH_PROBE_PATH = "), "{path}");
    }
}

#[test]
fn variable_wins_over_flat_and_nested_key() {
    let flat = "listen_addr = \"127.0.0.1:1\"\nbackend_health_timeout_seconds = 2\nrequest_timeout_seconds = 10.5\n\
                backend_api_url = \"http://a\"\nbackend_api_fallback_url = [\"http://b\", \"http://c\"]";
    let nested = "listen_addr = '127.0.0.1:1'\n[health]\ntimeout = '2s'\n[limits]\nrequest_timeout = '10s 500ms'\n\
                  [backend]\nurl = 'http://a'\nfallback_urls = ['http://b', 'http://c']";
    for file in [flat, nested] {
        let settings = from_file(file, &[("LISTEN_ADDR", "127.0.0.1:2"), ("REQUEST_TIMEOUT_SECONDS", "")]).unwrap();
        assert_eq!(settings.listen_addr.port(), 2);
        assert_eq!(settings.health.timeout, Duration::from_secs(2));
        assert_eq!(settings.limits.request_timeout, Duration::from_millis(10_500), "a blank variable is not set");
        assert_eq!(settings.backend.fallback_urls.len(), 2);
        let settings = from_file(file, &[("REQUEST_TIMEOUT_SECONDS", "20")]).unwrap();
        assert_eq!(settings.limits.request_timeout, Duration::from_secs(20));
    }
}

#[test]
fn words_of_variables_may_have_any_case() {
    let settings = from_environment(&[("LOG_LEVEL", "WARN"), ("LOG_FORMAT", "Json"), ("FORWARDED_HEADERS", "Append")]);
    let settings = settings.unwrap();
    assert_eq!((settings.log.level, settings.log.format), (LogLevel::Warn, LogFormat::Json));
    assert_eq!(settings.backend.forwarded_headers, ForwardedHeaders::Append);
}

#[test]
fn file_with_unknown_names_or_wrong_types_is_refused() {
    let errors = from_file("listen_adr = \"127.0.0.1:1\"\nlisten_addr = true\n[more]\nx = 1", &[]).unwrap_err();
    let starts = ["FILE:1: listen_adr = ", "FILE:2: listen_addr = true: ", "FILE:3: more = "];
    assert!(
        errors.len() == 3 && errors.iter().zip(starts).all(|(error, start)| error.starts_with(start)),
        "{errors:?}"
    );
    let errors = from_file("[health]\ntimeuot = '1s'", &[]).unwrap_err();
    let expected = "FILE:2: health.timeuot = \"1s\": no such setting: did you mean timeout?";
    assert!(errors[0].starts_with(expected), "{errors:?}");
    let errors = from_file("request_timeout_seconds = 5\nlimits.request_timeout = '5s'", &[]).unwrap_err();
    assert!(errors[0].starts_with("FILE:1: request_timeout_seconds = 5: must be left out: "), "{errors:?}");
    assert!(from_file("= 1", &[]).unwrap_err()[0].starts_with("FILE:1: not TOML"));
    assert!(read(Some("/nowhere.toml".into()), &[]).unwrap_err()[0].starts_with("/nowhere.toml: can't be read"));
}
