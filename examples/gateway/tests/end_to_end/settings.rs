//! With wrong settings the gateway does not start. It exits with 2 and prints a line for each wrong setting, with field,
//! value and range.

use std::fs;

use crate::{
    client::get,
    gateway::{Backend, Gateway},
    process::{Process, command},
};

/// Returns the exit code and stderr of a gateway that refuses to start.
fn refused(args: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = command(args, settings).output().unwrap();
    assert!(output.stdout.is_empty(), "nothing was started");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn wrong_value_is_printed_with_field_and_range() {
    for value in ["0", "-1", "NaN", "inf", "soon"] {
        let (code, error) = refused(&[], &[("REQUEST_TIMEOUT_SECONDS", value)]);
        assert_eq!(code, Some(2));
        assert_eq!(error, format!("gateway: REQUEST_TIMEOUT_SECONDS = {value}: must be 0.001 to 86400\n"));
    }
}

#[test]
fn every_wrong_value_is_printed_on_a_line() {
    let wrong = [("MAX_CONCURRENT_REQUESTS", "0"), ("BACKEND_API_URL", "https://x"), ("DRAIN_DELAY_SECONDS", "-1")];
    let (code, error) = refused(&[], &wrong);
    assert_eq!((code, error.lines().count()), (Some(2), 3), "{error}");
    assert!(wrong.iter().all(|(field, value)| error.contains(&format!("{field} = {value}: must be "))), "{error}");
}

#[test]
fn contradiction_names_both_settings() {
    let (code, error) = refused(&[], &[("ATTEMPT_TIMEOUT_SECONDS", "3"), ("REQUEST_TIMEOUT_SECONDS", "2.5")]);
    assert_eq!(code, Some(2));
    let both = "ATTEMPT_TIMEOUT_SECONDS = 3: must be below limits.request_timeout (REQUEST_TIMEOUT_SECONDS), 2s 500ms";
    assert_eq!(error, format!("gateway: {both}\n"));
}

/// Defect: a misspelt variable had no effect, and nothing said so.
#[tokio::test]
async fn misspelt_variable_is_logged_with_the_name_that_is_meant() {
    let gateway = Gateway::start(&[("REQUEST_TIMEOUT_SECOND", "5"), ("ORDERS_PORT", "80"), ("LOG_LEVEL", "warn")]);
    let log = gateway.until_logged("did you mean").await;
    assert!(
        log.contains("the variable REQUEST_TIMEOUT_SECOND is not used: did you mean REQUEST_TIMEOUT_SECONDS?"),
        "{log}"
    );
    assert!(!log.contains("ORDERS_PORT"), "{log}");
}

#[test]
fn unknown_argument_and_missing_file_are_named() {
    let (code, error) = refused(&["--cofnig", "x"], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--cofnig"), "{error}");
    let (code, error) = refused(&["--config", "/nowhere/gateway.toml"], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("/nowhere/gateway.toml"), "{error}");
}

#[test]
fn port_in_use_exits_with_1_and_names_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, error) = refused(&[], &[("LISTEN_ADDR", &address)]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&address), "{error}");
}

#[test]
fn help_lists_keys_and_variables() {
    let output = command(&["--help"], &[]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let both = "health.recovery_success_threshold, BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD\n";
    assert!(help.contains(both), "{help}");
}

#[tokio::test]
async fn nested_and_flat_file_are_read_and_variables_win() {
    let backend = Backend::start("primary");
    let url = backend.url();
    let nested = format!("listen_addr = 'nowhere'\n[backend]\nurl = '{url}'\napi_prefix = '/api'");
    let flat = format!("listen_addr = 'nowhere'\nbackend_api_url = '{url}'\napi_prefix = '/api'");
    for (name, text) in [("nested", nested), ("flat", flat)] {
        let path = std::env::temp_dir().join(format!("gateway-{name}-{}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        let gateway = Process::start(&["--config", path.to_str().unwrap()], &[("LISTEN_ADDR", "127.0.0.1:0")]);
        fs::remove_file(&path).unwrap();
        let answer = get(gateway.address(), "/api/v1/json").await;
        assert_eq!(answer.served_by(), "primary", "{name}: {answer:?}");
    }
}

#[test]
fn wrong_value_in_a_file_is_printed_with_file_line_and_range() {
    let path = std::env::temp_dir().join(format!("gateway-wrong-{}.toml", std::process::id()));
    fs::write(&path, "[drain]\ndelay = '5s'\ntimeout = '2 days'").unwrap();
    let (code, error) = refused(&["--config", path.to_str().unwrap()], &[]);
    fs::remove_file(&path).unwrap();
    let expected = format!("gateway: {}:3: drain.timeout = \"2 days\": must be \"0s\" to \"86400s\"\n", path.display());
    assert_eq!((code, error), (Some(2), expected));
}
