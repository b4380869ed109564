//! A real SIGHUP: in a binary of its own, because the signal goes to the whole process.
#![cfg(all(unix, feature = "signal"))]

use std::{process::Command, time::Duration};

use mainstay_retry::RetrySettings;
use mainstay_settings::{Reloader, Sources};
use tokio::{sync::mpsc, time::timeout};

#[tokio::test]
async fn a_hangup_reloads_at_once() {
    let file = std::env::temp_dir().join(format!("mainstay-hangup-{}.toml", std::process::id()));
    std::fs::write(&file, "max_attempts = 5").unwrap();
    let (applied, mut given) = mpsc::unbounded_channel();
    let sources = Sources::file(&file);
    // Longer than this test may take: only the signal brings it to look.
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
    // Asked again, done again: unchanged is not ignored.
    hang_up();
    assert_eq!(next().await, Some(6));

    drop(reloading);
    assert_eq!(next().await, None, "the closure is gone");
    std::fs::remove_file(&file).unwrap();
}

fn hang_up() {
    let kill = format!("kill -HUP {}", std::process::id());
    assert!(Command::new("sh").args(["-c", &kill]).status().is_ok_and(|status| status.success()));
}
