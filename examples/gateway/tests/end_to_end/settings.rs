//! Wrong settings start nothing: exit code 2, and a line for each that names field, value and range.

use std::fs;

use crate::{
    client::get,
    gateway::Backend,
    process::{Process, command},
};

/// Exit code and stderr of a gateway that refuses to start.
fn refused(args: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = command(args, settings).output().unwrap();
    assert!(output.stdout.is_empty(), "nothing was started");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_wrong_value_is_named_with_its_field_and_range() {
    for value in ["0", "-1", "NaN", "inf", "soon"] {
        let (code, error) = refused(&[], &[("REQUEST_TIMEOUT_SECONDS", value)]);
        assert_eq!(code, Some(2));
        assert_eq!(error, format!("gateway: REQUEST_TIMEOUT_SECONDS = {value}: must be 0.001 to 86400\n"));
    }
}

#[test]
fn every_wrong_value_has_its_line() {
    let wrong = [("MAX_CONCURRENT_REQUESTS", "0"), ("BACKEND_API_URL", "https://x"), ("DRAIN_DELAY_SECONDS", "-1")];
    let (code, error) = refused(&[], &wrong);
    assert_eq!((code, error.lines().count()), (Some(2), 3), "{error}");
    assert!(wrong.iter().all(|(field, value)| error.contains(&format!("{field} = {value}: must be "))), "{error}");
}

#[test]
fn a_contradiction_names_both_fields() {
    let (code, error) = refused(&[], &[("ATTEMPT_TIMEOUT_SECONDS", "3"), ("REQUEST_TIMEOUT_SECONDS", "2.5")]);
    assert_eq!(code, Some(2));
    assert_eq!(error, "gateway: ATTEMPT_TIMEOUT_SECONDS = 3: must be below REQUEST_TIMEOUT_SECONDS, 2.5\n");
}

#[test]
fn an_unknown_argument_is_named() {
    let (code, error) = refused(&["--cofnig", "x"], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--cofnig"), "{error}");
    let (code, error) = refused(&["--config", "/nowhere/gateway.toml"], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("/nowhere/gateway.toml"), "{error}");
}

#[test]
fn a_port_that_is_taken_is_an_error_and_no_usage_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, error) = refused(&[], &[("LISTEN_ADDR", &address)]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&address), "{error}");
}

#[test]
fn help_lists_the_settings() {
    let output = command(&["--help"], &[]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(help.contains("BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD"), "{help}");
}

#[tokio::test]
async fn a_file_is_read_and_the_environment_wins() {
    let backend = Backend::start("primary");
    let path = std::env::temp_dir().join(format!("gateway-{}.toml", std::process::id()));
    let text = format!("listen_addr = \"nowhere\"\nbackend_api_url = \"{}\"\napi_prefix = \"/api\"", backend.url());
    fs::write(&path, text).unwrap();
    let gateway = Process::start(&["--config", path.to_str().unwrap()], &[("LISTEN_ADDR", "127.0.0.1:0")]);
    fs::remove_file(&path).unwrap();
    let answer = get(gateway.address(), "/api/v1/json").await;
    assert_eq!(answer.served_by(), "primary", "{answer:?}");
}
