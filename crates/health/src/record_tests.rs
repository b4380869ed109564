use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn record(fall: u32, rise: u32) -> (Record, Instant) {
    let now = Instant::now();
    (Record::new(Rule { fall, rise, fresh_for: Some(3 * MS) }, now), now)
}

fn level_after(record: &mut Record, now: Instant, results: &[Level]) -> Level {
    for level in results {
        record.observe(*level, String::new(), Run { ended: now, took: MS });
    }
    record.current(now).0
}

#[tokio::test(start_paused = true)]
async fn the_first_result_counts_at_once() {
    for level in [Level::Healthy, Level::Degraded, Level::Unhealthy, Level::Unknown] {
        let (mut record, now) = record(3, 2);
        assert_eq!(record.current(now), (Level::Unknown, "not checked yet"));
        assert_eq!(level_after(&mut record, now, &[level]), level);
    }
}

#[tokio::test(start_paused = true)]
async fn it_falls_after_as_many_failures_in_a_row_as_set_and_rises_likewise() {
    use Level::{Healthy as H, Unhealthy as U};
    let (mut record, now) = record(3, 2);
    assert_eq!(level_after(&mut record, now, &[H, U, U, H, U, U]), H);
    assert_eq!(level_after(&mut record, now, &[U]), U);
    assert_eq!(level_after(&mut record, now, &[H, U, H]), U);
    assert_eq!(level_after(&mut record, now, &[H]), H);
}

#[tokio::test(start_paused = true)]
async fn degraded_is_up_and_needs_no_streak() {
    use Level::{Degraded as D, Healthy as H, Unhealthy as U};
    let (mut record, now) = record(2, 2);
    assert_eq!(level_after(&mut record, now, &[H, D]), D);
    assert_eq!(level_after(&mut record, now, &[U]), D);
    assert_eq!(level_after(&mut record, now, &[U]), U);
    assert_eq!(level_after(&mut record, now, &[D, D]), D);
}

/// A peer: unknown hidden by up.
#[tokio::test(start_paused = true)]
async fn a_result_that_nobody_renewed_becomes_unknown_and_the_next_counts_alone() {
    use Level::{Healthy as H, Unhealthy as U, Unknown};
    let (mut record, now) = record(3, 2);
    assert_eq!(level_after(&mut record, now, &[H]), H);
    assert_eq!(record.current(now + 3 * MS).0, H);
    let late = now + 4 * MS;
    assert_eq!(record.current(late).0, Unknown);
    assert_eq!(record.since(late), now + 3 * MS);
    assert_eq!(level_after(&mut record, late, &[U]), U);
}

#[tokio::test(start_paused = true)]
async fn since_moves_with_the_level_only() {
    let (mut record, start) = record(1, 1);
    let run = |ended| Run { ended, took: MS };
    assert!(record.observe(Level::Healthy, String::new(), run(start + MS)).is_some());
    assert!(record.observe(Level::Healthy, String::new(), run(start + 2 * MS)).is_none());
    assert_eq!(record.since(start + 2 * MS), start + MS);
    let changed = record.observe(Level::Unhealthy, String::new(), run(start + 3 * MS));
    assert_eq!(changed, Some((Level::Healthy, Level::Unhealthy)));
    assert_eq!(record.since(start + 3 * MS), start + 3 * MS);
}

proptest! {
    /// Up falls only after `fall` failures in a row, down rises only after `rise` successes, and then at once.
    #[test]
    fn levels_follow_the_last_results_alone(
        results in proptest::collection::vec(any::<bool>(), 1..60),
        fall in 1_u32..5,
        rise in 1_u32..5,
    ) {
        let (mut record, now) = record(fall, rise);
        let mut up = results[0];
        for (i, good) in results.iter().enumerate() {
            let level = if *good { Level::Healthy } else { Level::Unhealthy };
            record.observe(level, String::new(), Run { ended: now, took: MS });
            let row = |wanted: bool, n: u32| {
                results[..=i].iter().rev().take_while(|good| **good == wanted).count() >= n as usize
            };
            up = if up { !row(false, fall) } else { row(true, rise) };
            prop_assert_eq!(passes(record.current(now).0), up);
        }
        let failures = results.iter().filter(|good| !**good).count() as u64;
        prop_assert_eq!((record.totals.runs, record.totals.failures), (results.len() as u64, failures));
        prop_assert_eq!(record.passed, failures < results.len() as u64);
    }
}
