//! Reload on a real SIGHUP. The test has its own binary, because the signal goes to the whole process.
#![cfg(all(unix, feature = "signal"))]

use std::{process::Command, time::Duration};

use mainstay_retry::RetrySettings;
use mainstay_settings::{Reloader, Sources};
use tokio::{sync::mpsc, time::timeout};

#[tokio::test]
async fn hangup_reloads_at_once() {
    let file = std::env::temp_dir().join(format!("mainstay-hangup-{}.toml", std::process::id()));
    std::fs::write(&file, "max_attempts = 5").unwrap();
    let (applied, mut given) = mpsc::unbounded_channel();
    let sources = Sources::file(&file);
    // The interval is longer than the test, so that only the signal causes a reading.
    let reloader = Reloader::new(sources).every(Duration::from_secs(3600)).on_hangup();
    let reloading = reloader.start(move |settings: RetrySettings| {
        settings.validate()?;
        let _ = applied.send(settings.max_attempts);
        Ok(())
    });
    let reloading = reloading.unwrap();
    let mut next = async || timeout(Duration::from_secs(30), given.recv()).await.unwrap();
    assert_eq!(next().await, Some(5));

    std::fs::write(&file, "max_attempts = 6").unwrap();
    hang_up();
    assert_eq!(next().await, Some(6));
    // A signal reloads even an unchanged file.
    hang_up();
    assert_eq!(next().await, Some(6));

    drop(reloading);
    assert_eq!(next().await, None, "the closure was dropped");
    std::fs::remove_file(&file).unwrap();
}

fn hang_up() {
    let kill = format!("kill -HUP {}", std::process::id());
    assert!(Command::new("sh").args(["-c", &kill]).status().is_ok_and(|status| status.success()));
}
