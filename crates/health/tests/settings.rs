//! Settings as files have them.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_health::{CheckSettings, Health};
use serde_json::{from_str, to_value};

#[test]
fn missing_fields_keep_their_defaults_and_unknown_fields_are_errors() {
    let check: CheckSettings = from_str(r#"{"critical": true, "timeout": "250ms"}"#).unwrap();
    assert_eq!(
        check,
        CheckSettings { critical: true, timeout: Some(Duration::from_millis(250)), ..Default::default() }
    );
    assert!(from_str::<CheckSettings>(r#"{"timout": "1s"}"#).is_err());
    check.validate().unwrap();
}

#[tokio::test]
async fn snapshot_serializes() {
    let health = Health::builder().build().unwrap();
    assert_eq!(to_value(health.snapshot()).unwrap()["level"], "healthy");
}

#[test]
fn handle_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Health>();
}
