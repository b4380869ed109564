use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn check(fall: u32, rise: u32) -> (CheckState, Instant) {
    let now = Instant::now();
    (CheckState::new(Thresholds { fall, rise, fresh_for: Some(3 * MS) }, now), now)
}

fn level_after(state: &mut CheckState, now: Instant, results: &[Level]) -> Level {
    for level in results {
        state.record(*level, String::new(), Run { ended: now, took: MS });
    }
    state.level_at(now).0
}

#[tokio::test(start_paused = true)]
async fn first_result_sets_the_level() {
    for level in [Level::Healthy, Level::Degraded, Level::Unhealthy, Level::Unknown] {
        let (mut state, now) = check(3, 2);
        assert_eq!(state.level_at(now), (Level::Unknown, "not checked yet"));
        assert_eq!(level_after(&mut state, now, &[level]), level);
    }
}

#[tokio::test(start_paused = true)]
async fn level_falls_after_fall_failures_and_rises_after_rise_successes() {
    use Level::{Healthy as H, Unhealthy as U};
    let (mut state, now) = check(3, 2);
    assert_eq!(level_after(&mut state, now, &[H, U, U, H, U, U]), H);
    assert_eq!(level_after(&mut state, now, &[U]), U);
    assert_eq!(level_after(&mut state, now, &[H, U, H]), U);
    assert_eq!(level_after(&mut state, now, &[H]), H);
}

#[tokio::test(start_paused = true)]
async fn degraded_result_applies_at_once_while_up() {
    use Level::{Degraded as D, Healthy as H, Unhealthy as U};
    let (mut state, now) = check(2, 2);
    assert_eq!(level_after(&mut state, now, &[H, D]), D);
    assert_eq!(level_after(&mut state, now, &[U]), D);
    assert_eq!(level_after(&mut state, now, &[U]), U);
    assert_eq!(level_after(&mut state, now, &[D, D]), D);
}

/// Defect of another library: an expired result still shown as healthy.
#[tokio::test(start_paused = true)]
async fn expired_result_is_unknown_and_the_next_result_applies_at_once() {
    use Level::{Healthy as H, Unhealthy as U, Unknown};
    let (mut state, now) = check(3, 2);
    assert_eq!(level_after(&mut state, now, &[H]), H);
    assert_eq!(state.level_at(now + 3 * MS).0, H);
    let late = now + 4 * MS;
    assert_eq!(state.level_at(late).0, Unknown);
    assert_eq!(state.since(late), now + 3 * MS);
    assert_eq!(level_after(&mut state, late, &[U]), U);
}

#[tokio::test(start_paused = true)]
async fn since_changes_only_with_the_level() {
    let (mut state, start) = check(1, 1);
    let run = |ended| Run { ended, took: MS };
    assert!(state.record(Level::Healthy, String::new(), run(start + MS)).is_some());
    assert!(state.record(Level::Healthy, String::new(), run(start + 2 * MS)).is_none());
    assert_eq!(state.since(start + 2 * MS), start + MS);
    let changed = state.record(Level::Unhealthy, String::new(), run(start + 3 * MS));
    assert_eq!(changed, Some((Level::Healthy, Level::Unhealthy)));
    assert_eq!(state.since(start + 3 * MS), start + 3 * MS);
}

proptest! {
    /// A check that is up falls after `fall` consecutive failures, one that is down rises after `rise` successes.
    #[test]
    fn level_depends_only_on_the_last_results(
        results in proptest::collection::vec(any::<bool>(), 1..60),
        fall in 1_u32..5,
        rise in 1_u32..5,
    ) {
        let (mut state, now) = check(fall, rise);
        let mut up = results[0];
        for (i, good) in results.iter().enumerate() {
            let level = if *good { Level::Healthy } else { Level::Unhealthy };
            state.record(level, String::new(), Run { ended: now, took: MS });
            let streak = |wanted: bool, n: u32| {
                results[..=i].iter().rev().take_while(|good| **good == wanted).count() >= n as usize
            };
            up = if up { !streak(false, fall) } else { streak(true, rise) };
            prop_assert_eq!(passes(state.level_at(now).0), up);
        }
        let failures = results.iter().filter(|good| !**good).count() as u64;
        prop_assert_eq!((state.totals.runs, state.totals.failures), (results.len() as u64, failures));
        prop_assert_eq!(state.has_passed, failures < results.len() as u64);
    }
}
