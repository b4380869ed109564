//! Texts: snapshots, logs and `Debug` use the same words.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{Fate, down, settings, two};
use mainstay_failover::{Driven, FailoverSettings, ProbeSettings};
use tokio::time::advance;
use tower::ServiceExt;

fn quiet() -> FailoverSettings {
    let probe = ProbeSettings { driven: Driven::Manual, ..ProbeSettings::default() };
    FailoverSettings { probe, ..settings() }
}

#[tokio::test(start_paused = true)]
async fn snapshot_displays_state_reason_and_what_is_missing() {
    let (failover, primary, _) = two(quiet());
    let handle = failover.handle().clone();
    assert_eq!(handle.snapshot().to_string(), "x is on primary for 0s");
    down(&failover, &primary).await;
    primary.set(Fate::Answer);
    advance(Duration::from_millis(12_300)).await;
    handle.check_now().await;
    let text = "x is on backup for 12.3s: primary: 3 failures in a row; primary is not back (missing: hold 17.7s, probes 1 of 3)";
    assert_eq!(handle.snapshot().to_string(), text);
    assert_eq!(format!("{handle:?}"), format!("FailoverHandle({text})"));
    assert_eq!(format!("{failover:?}"), format!("Failover({text})"));
    handle.force("primary", "dora\n").unwrap();
    let forced = "x is forced to primary for 0s: forced by dora\\n; primary was left: 3 failures in a row (missing: hold 17.7s, probes 1 of 3)";
    assert_eq!(handle.snapshot().to_string(), forced.replace(" (missing", "; primary is not back (missing"));
    let log: Vec<_> = handle.transitions().iter().map(ToString::to_string).collect();
    assert_eq!(
        log,
        [
            "primary -> backup (on backup, hold 30s): primary: 3 failures in a row",
            "backup -> primary (forced): forced by dora\\n",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn earliest_return_counts_hold_and_probes() {
    let (failover, primary, _) = two(settings());
    down(&failover, &primary).await;
    let snapshot = failover.handle().snapshot();
    // Defect: it promised a return in 1.2 s all through an outage.
    let words = snapshot.to_string();
    let waits = "; primary waits for its probe, which fails (missing: hold 30s, probes 0 of 3)";
    assert!(words.ends_with(waits), "{words}");
    advance(Duration::from_secs(100)).await;
    let _ = failover.clone().oneshot(1).await;
    let left = failover.handle().snapshot().earliest_return.unwrap();
    assert!(left >= Duration::from_millis(1800), "three probes, the last two a second apart: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn good_probe_promises_the_earliest_return() {
    let (failover, primary, _) = two(settings());
    down(&failover, &primary).await;
    primary.set(Fate::Answer);
    failover.handle().check_now().await;
    let words = failover.handle().snapshot().to_string();
    assert!(words.ends_with("; back on primary in 30s at the earliest (missing: hold 30s, probes 1 of 3)"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn status_has_the_reason_of_the_snapshot() {
    let (failover, primary, backup) = two(quiet());
    let mut status = failover.handle().subscribe();
    down(&failover, &primary).await;
    assert_eq!(status.changed().await.unwrap().to_string(), "degraded: primary: 3 failures in a row");
    backup.set(Fate::Fail);
    for _ in 0..8 {
        let _ = failover.clone().oneshot(1).await;
        advance(Duration::from_secs(3)).await;
    }
    assert_eq!(
        status.changed().await.unwrap().to_string(),
        "unhealthy: backup: requests fail, and no other endpoint is usable; primary: 3 failures in a row"
    );
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn settings_have_durations_as_text_and_snapshots_as_seconds() {
    let read = |text: &str| serde_json::from_str::<FailoverSettings>(text);
    let settings = read(r#"{ "hold": { "base": "10s" }, "probe": { "timeout": "250ms" }, "return_mode": "manual" }"#);
    let settings = settings.unwrap();
    assert_eq!(settings.hold.base, Duration::from_secs(10));
    assert_eq!(settings.hold.max, Duration::from_secs(300));
    assert_eq!(read(&serde_json::to_string(&settings).unwrap()).unwrap(), settings);
    assert!(read(r#"{ "holds": {} }"#).unwrap_err().to_string().contains("unknown field `holds`"));

    let (failover, primary, _) = two(quiet());
    down(&failover, &primary).await;
    failover.handle().check_now().await;
    let json = serde_json::to_value(failover.handle().snapshot()).unwrap();
    assert_eq!((&json["state"], &json["active"]), (&"on_backup".into(), &"backup".into()));
    let endpoint = &json["endpoints"][0];
    assert_eq!(endpoint["missing"], "hold 28.5s, probes 0 of 3");
    assert_eq!(endpoint["last_probe"]["elapsed"], 1.5);
    let report = serde_json::to_value(failover.handle().check_now().await).unwrap();
    assert_eq!(report["endpoints"][0]["report"]["attempts"], 3);
}
