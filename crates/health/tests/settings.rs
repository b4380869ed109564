//! Settings as files have them.
#![cfg(all(feature = "serde", feature = "serve"))]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_health::{CheckSettings, DrainSettings, Health, Server, ServerSettings};
use serde_json::{from_str, to_value};

#[test]
fn what_is_left_out_keeps_its_default_and_what_is_unknown_is_refused() {
    let check: CheckSettings = from_str(r#"{"critical": true, "timeout": "250ms"}"#).unwrap();
    assert_eq!(check, CheckSettings { critical: true, timeout: Duration::from_millis(250), ..Default::default() });
    let drain: DrainSettings = from_str(r#"{"drain_delay": "0s"}"#).unwrap();
    assert_eq!(drain, DrainSettings { drain_delay: Duration::ZERO, ..Default::default() });
    let server: ServerSettings = from_str("{}").unwrap();
    assert_eq!(server, ServerSettings::default());
    assert!(from_str::<DrainSettings>(r#"{"drain_dleay": "1s"}"#).is_err());
    for valid in [check.validate(), drain.validate(), server.validate()] {
        valid.unwrap();
    }
}

#[tokio::test]
async fn snapshots_can_be_written() {
    let health = Health::builder().build().unwrap();
    assert_eq!(to_value(health.snapshot()).unwrap()["level"], "healthy");
}

/// Handles cross threads and tasks.
#[test]
fn handles_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Health>();
    check::<mainstay_health::Drain>();
    check::<Server<tokio::net::TcpListener>>();
}
