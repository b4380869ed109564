//! Ordinary traffic over HTTP that must not move, and failures that must: the standard stack with two endpoints.
#![cfg(feature = "stack")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;
mod server;

use std::time::Duration;

use http::StatusCode;
use mainstay_failover::{FailoverSettings, FailoverState, SecondAttempt};
use server::{Pair, Stream};
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);
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

/// Defect: a healthy primary was left for requests that their clients gave up at both endpoints.
#[tokio::test(start_paused = true)]
async fn slow_route_whose_clients_give_up_moves_no_traffic() {
    let rows = [(gateway(), 5), (gateway(), 60), (common::settings(), 60), (FailoverSettings::default(), 60)];
    for (settings, per_second) in rows {
        let pair = Pair::new(settings);
        let slow = Stream::get("/slow", per_second).gives_up(1_200);
        let seen = pair.load(30, &[Stream::get("/", 50), slow]).await;
        let snapshot = pair.failover().snapshot();
        assert_eq!((seen.good, snapshot.state, snapshot.epoch), (1_500, FailoverState::OnPrimary, 0), "{snapshot}");
    }
}

/// What the backup would have answered by then does not wait for a whole delay of a second.
#[tokio::test(start_paused = true)]
async fn request_that_is_given_up_at_both_endpoints_has_failed_everywhere() {
    let pair = Pair::new(gateway());
    pair.failover().force("backup", "test").unwrap();
    pair.load(1, &[Stream::get("/", 50)]).await;
    pair.failover().automatic("test");
    pair.load(10, &[Stream::get("/", 50), Stream::get("/slow", 2).gives_up(1_200)]).await;
    let snapshot = pair.failover().snapshot();
    assert_eq!((snapshot.failed_everywhere, snapshot.endpoints[0].comparisons), (20, 0), "{snapshot}");
}

/// Defect: 18 such requests beside 50 good ones a second left a healthy primary. They can't be compared one by one.
#[tokio::test(start_paused = true)]
async fn posts_to_a_broken_route_move_no_traffic() {
    for good in [0, 50] {
        for pair in [Pair::new(gateway()), Pair::without_probes(common::settings())] {
            let seen = pair.load(40, &[Stream::get("/", good), Stream::post("/broken", 60)]).await;
            let snapshot = pair.failover().snapshot();
            assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 0), "{snapshot}");
            // The backup has answered a part while the two were compared.
            let compared = snapshot.endpoints[0].comparisons;
            assert!(compared == 2 && seen.by_backup <= seen.good / 10, "{compared}, {seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn burst_of_posts_to_a_broken_route_moves_no_traffic() {
    let pair = Pair::new(gateway());
    let good = async { pair.load(20, &[Stream::get("/", 50)]).await };
    let burst = async {
        sleep(5 * SECOND).await;
        pair.load(1, &[Stream::post("/broken", 120)]).await
    };
    let (seen, _) = tokio::join!(good, burst);
    assert_eq!((seen.good, seen.left), (1_000, None), "{}", pair.failover().snapshot());
}

/// A primary that answers all requests with 500, and whose probe is good.
#[tokio::test(start_paused = true)]
async fn primary_that_fails_all_requests_is_left() {
    let rows = [(50, 50, 600), (50, 0, 200), (0, 50, 2_500)];
    for (gets, posts, within) in rows {
        for pair in [Pair::new(gateway()), Pair::new(common::settings()), Pair::without_probes(common::settings())] {
            pair.load(5, &[Stream::get("/", gets), Stream::post("/", posts)]).await;
            pair.servers[0].set_broken();
            let seen = pair.load(10, &[Stream::get("/", gets), Stream::post("/", posts)]).await;
            assert!(seen.left.unwrap() <= within * MS, "{gets}, {posts}: {seen:?}");
            if posts == 0 {
                assert_eq!(seen.bad, 0);
            }
        }
    }
}

/// It is left where such requests are the greater part, because the backup answers them. Where they are fewer it stays, as
/// with any failure below the rate; a lower `unproven_failure_rate` leaves it.
#[tokio::test(start_paused = true)]
async fn primary_that_answers_reads_only_is_left_by_the_share_of_writes() {
    let lower = FailoverSettings { unproven_failure_rate: Some(0.1), ..gateway() };
    for (settings, posts, is_left) in [(gateway(), 60, true), (gateway(), 10, false), (lower, 10, true)] {
        let pair = Pair::new(settings);
        pair.servers[0].set_read_only();
        let seen = pair.load(30, &[Stream::get("/", 50), Stream::post("/", posts)]).await;
        assert_eq!(seen.left.is_some(), is_left, "{posts}: {seen:?}");
        assert!(seen.left.unwrap_or_default() <= 10 * SECOND, "{seen:?}");
        if is_left {
            let reason = pair.failover().snapshot().reason;
            assert!(
                reason.contains(" calls failed, and 0 of ") && reason.ends_with(" at backup meanwhile (error answer)"),
                "{reason}"
            );
        }
    }
}

/// Requests that may be sent once only, at a primary that answers none of them while its probe is good.
#[tokio::test(start_paused = true)]
async fn primary_that_hangs_is_left_by_requests_that_may_be_sent_once_only() {
    for settings in [gateway(), common::settings()] {
        let pair = Pair::new(settings);
        pair.load(5, &[Stream::post("/", 50)]).await;
        pair.servers[0].set_hanging();
        let seen = pair.load(20, &[Stream::post("/", 50).gives_up(2_000)]).await;
        assert!(seen.left.unwrap() <= 4 * SECOND, "{seen:?}");
    }
}
