//! Ordinary traffic over HTTP that must not move, and failures that must: the standard stack with two endpoints.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;
mod server;

use std::time::Duration;

use http::StatusCode;
use mainstay_failover::{FailoverSettings, FailoverState, SecondAttempt};
use server::{Pair, Stream};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the settings of the gateway: two failures in a row, and a delay of one second.
fn gateway() -> FailoverSettings {
    let second = SecondAttempt { delay: Some(SECOND), max_delay: SECOND, ..SecondAttempt::default() };
    FailoverSettings { consecutive_failures: Some(2), second_attempt: Some(second), ..common::settings() }
}

/// The probes of both endpoints fail, so that none is usable, and the primary serves all the same.
async fn all_down(settings: FailoverSettings) -> Pair {
    let pair = Pair::new(settings);
    pair.servers.iter().for_each(|server| server.set_probe(false));
    pair.failover().check_now().await;
    assert_eq!(pair.get("/").await.unwrap(), (StatusCode::OK, "primary".to_owned()));
    assert_eq!(pair.failover().snapshot().state, FailoverState::AllDown);
    pair
}

/// Defect: with failing health checks everywhere and a dead primary, all of 816 requests got 502.
#[tokio::test(start_paused = true)]
async fn all_down_sends_what_the_dead_primary_refuses_to_the_backup() {
    for stream in [Stream::get("/", 50), Stream::post("/", 50)] {
        let pair = all_down(gateway()).await;
        pair.servers[0].refuse();
        let seen = pair.load(20, &[stream]).await;
        assert_eq!((seen.good, seen.bad), (1_000, 0));
        assert_eq!(pair.servers[0].calls(), 2, "the backup has answered last");
    }
}
