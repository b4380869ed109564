//! An endpoint that is slow for all requests, with `slow_ratio` and without.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Fate, Script, endpoints};
use mainstay_failover::{Failover, FailoverSettings, FailoverState};
use tokio::time::sleep;
use tower::ServiceExt;

const MS: Duration = Duration::from_millis(1);

/// Returns a failover whose endpoints answer after these times, and whose backup has answered 30 requests.
async fn pair(slow_ratio: Option<f64>, took: [Duration; 2]) -> Failover<Script> {
    let scripts = [Script::new("primary"), Script::new("backup")];
    scripts.iter().zip(took).for_each(|(script, took)| script.set(Fate::AnswerAfter(took)));
    let settings = FailoverSettings { slow_ratio, ..FailoverSettings::default() };
    let failover = Failover::with_settings("x", endpoints(&scripts), settings).unwrap();
    failover.handle().force("backup", "test").unwrap();
    ask(&failover, 30).await;
    failover.handle().automatic("test");
    failover
}

async fn ask(failover: &Failover<Script>, n: u32) {
    for _ in 0..n {
        failover.clone().oneshot(1).await.unwrap();
        sleep(5 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn endpoint_that_is_slow_for_all_is_left_with_its_medians_as_the_reason() {
    let failover = pair(Some(5.0), [400 * MS, 20 * MS]).await;
    ask(&failover, 19).await;
    assert_eq!(failover.handle().snapshot().state, FailoverState::OnPrimary);
    ask(&failover, 1).await;
    let snapshot = failover.handle().snapshot();
    assert_eq!(snapshot.state, FailoverState::OnBackup);
    assert_eq!(snapshot.reason, "primary: slow for all: the median answer takes 400ms, that of backup 20ms");
    assert_eq!(snapshot.endpoints[0].median_answer, None, "it starts again when the endpoint is back");
    assert_eq!(snapshot.endpoints[1].median_answer, Some(20 * MS));
    assert!(snapshot.endpoints[0].hold_left.is_some());
    let status = failover.handle().subscribe().get().to_string();
    assert!(status.starts_with("degraded: primary: slow for all"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn slow_endpoint_stays_by_default_below_the_ratio_and_while_it_is_not_in_use() {
    let rows = [(None, [400, 20]), (Some(5.0), [60, 20]), (Some(5.0), [20, 400])];
    for (slow_ratio, took) in rows {
        let failover = pair(slow_ratio, took.map(|took| took * MS)).await;
        ask(&failover, 200).await;
        let snapshot = failover.handle().snapshot();
        assert_eq!((snapshot.state, snapshot.epoch), (FailoverState::OnPrimary, 2), "{slow_ratio:?} {took:?}");
    }
}

/// Without second attempts the backup has no answers to compare with.
#[tokio::test(start_paused = true)]
async fn slow_endpoint_stays_while_the_next_one_has_no_answers() {
    let scripts = [Script::new("primary"), Script::new("backup")];
    scripts[0].set(Fate::AnswerAfter(400 * MS));
    let settings = FailoverSettings { slow_ratio: Some(5.0), second_attempt: None, ..FailoverSettings::default() };
    let failover = Failover::with_settings("x", endpoints(&scripts), settings).unwrap();
    ask(&failover, 100).await;
    let snapshot = failover.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.endpoints[0].median_answer), (FailoverState::OnPrimary, Some(400 * MS)));
}
