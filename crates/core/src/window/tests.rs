use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn record(window: &Window, hit: bool) -> Tally {
    window.record(hit, 0, Instant::now).unwrap()
}

/// In a peer, after 1,000 successes the breaker needed 1,000 failures to open.
#[test]
fn oldest_call_leaves_the_window() {
    for size in [100, 104, 105, 1_000] {
        let window = Window::last_calls(size);
        for _ in 0..1_000 {
            record(&window, false);
        }
        let tally = (0..size.div_ceil(2)).map(|_| record(&window, true)).last().unwrap();
        assert_eq!(tally, Tally { calls: size, hits: size.div_ceil(2) });
        assert!(tally.reaches(0.5, 20));
    }
}

#[test]
fn rate_is_undefined_below_the_minimum() {
    let tally = Tally { calls: 19, hits: 19 };
    assert_eq!(tally.rate(20), None);
    assert_eq!(Tally::default().rate(0), None);
    assert_eq!(Tally { calls: 20, hits: 10 }.rate(20), Some(0.5));
}

#[test]
fn call_of_an_earlier_epoch_is_not_counted() {
    for window in [Window::last_calls(10), Window::last_calls(200), Window::last(Duration::from_secs(1))] {
        record(&window, true);
        window.reset(1);
        assert_eq!(window.tally(Instant::now), Tally::default());
        assert_eq!(window.record(true, 0, Instant::now), None);
        assert_eq!(window.record(true, 1, Instant::now), Some(Tally { calls: 1, hits: 1 }));
        assert_eq!(window.tally(Instant::now), Tally { calls: 1, hits: 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn calls_expire_with_time_and_after_an_idle_gap() {
    let window = Window::last(Duration::from_secs(10));
    for second in 0..10 {
        assert_eq!(record(&window, true).calls, second + 1);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(window.tally(Instant::now).calls, 9);
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(window.tally(Instant::now), Tally::default());
    assert_eq!(record(&window, false), Tally { calls: 1, hits: 0 });
}

/// In each round, two threads record exactly as many failures as the threshold requires.
#[test]
fn one_of_many_threads_sees_each_crossing() {
    for size in [100, 200] {
        for _ in 0..500 {
            let window = Window::last_calls(size);
            let crossed = std::sync::atomic::AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..10 {
                            if record(&window, true).reaches(1.0, 20) {
                                crossed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                        }
                    });
                }
            });
            assert!(crossed.into_inner() >= 1);
            assert_eq!(window.tally(Instant::now), Tally { calls: 20, hits: 20 });
        }
    }
}

/// One thread fills the window with successes, the other records hits: each hit is counted, and leaves the window.
#[test]
fn clean_window_counts_each_hit() {
    let window = Window::last_calls(4);
    std::thread::scope(|scope| {
        let successes = scope.spawn(|| {
            for _ in 0..300_000 {
                record(&window, false);
            }
        });
        while !successes.is_finished() {
            assert!(record(&window, true).hits >= 1);
        }
    });
    for left in [3, 2, 1, 0] {
        // A stale flag would keep hits in the window.
        assert!(record(&window, false).hits <= left);
    }
    assert_eq!(window.tally(Instant::now), Tally { calls: 4, hits: 0 });
    record(&window, false);
    assert_eq!(record(&window, true), Tally { calls: 4, hits: 1 });
}

/// Of a concurrent hit and success, at least one sees the crossing.
#[test]
fn one_of_many_threads_sees_each_crossing_by_hits() {
    for build in [|| Window::last_calls(100), || Window::last_calls(200), || Window::last(Duration::from_secs(3600))] {
        for _ in 0..1_000 {
            let window = build();
            let told = |hit| window.record_for_hits(hit, 0, Instant::now) == Some(Tally { calls: 2, hits: 1 });
            let told = std::thread::scope(|scope| {
                let success = scope.spawn(|| told(false));
                told(true) | success.join().unwrap()
            });
            assert!(told);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tally_for_hits_ends_with_the_last_hit_or_the_epoch() {
    let window = Window::last(Duration::from_secs(10));
    let told = |hit, epoch| window.record_for_hits(hit, epoch, Instant::now);
    assert_eq!(told(false, 0), None);
    assert_eq!(told(true, 0), Some(Tally { calls: 2, hits: 1 }));
    assert_eq!(told(false, 1), None, "of another epoch");
    assert_eq!(told(false, 0), Some(Tally { calls: 3, hits: 1 }));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(told(false, 0), None, "the hit has left");
    assert_eq!(window.tally(Instant::now), Tally { calls: 1, hits: 0 }, "and the success was recorded");
    told(true, 0);
    window.reset(1);
    assert_eq!(told(false, 1), None);
}

#[test]
fn window_full_of_successes_is_clean() {
    let window = Window::last_calls(2);
    for hit in [false, false] {
        assert!(!window.is_clean(0));
        record(&window, hit);
    }
    assert!(window.is_clean(0) && !window.is_clean(1));
    record(&window, true);
    assert!(!window.is_clean(0));
    window.reset(1);
    assert!(!window.is_clean(1), "an empty window is not full of successes");
}

proptest! {
    #[test]
    fn agrees_with_a_queue(size in 1_u32..300, hits in proptest::collection::vec(any::<bool>(), 0..700)) {
        let window = Window::last_calls(size);
        let mut model = VecDeque::new();
        for hit in hits {
            model.push_back(hit);
            if model.len() > size as usize {
                model.pop_front();
            }
            let expected = Tally { calls: model.len() as u32, hits: model.iter().filter(|hit| **hit).count() as u32 };
            prop_assert_eq!(record(&window, hit), expected);
            prop_assert_eq!(window.tally(Instant::now), expected);
        }
    }
}
