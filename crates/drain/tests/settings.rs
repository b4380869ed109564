//! Settings as files have them.
#![cfg(all(feature = "serde", feature = "serve"))]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_drain::{Drain, DrainReport, DrainSettings, Server, ServerSettings};
use serde_json::{from_str, to_value};

#[test]
fn missing_fields_keep_their_defaults_and_unknown_fields_are_errors() {
    let drain: DrainSettings = from_str(r#"{"drain_delay": "0s"}"#).unwrap();
    assert_eq!(drain, DrainSettings { drain_delay: Duration::ZERO, ..Default::default() });
    let server: ServerSettings = from_str("{}").unwrap();
    assert_eq!(server, ServerSettings::default());
    assert!(from_str::<DrainSettings>(r#"{"drain_dleay": "1s"}"#).is_err());
    for valid in [drain.validate(), server.validate()] {
        valid.unwrap();
    }
}

#[test]
fn report_serializes() {
    assert_eq!(to_value(DrainReport::default()).unwrap()["requests"]["accepted"], 0);
}

#[test]
fn handles_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Drain>();
    check::<Server<tokio::net::TcpListener>>();
}
