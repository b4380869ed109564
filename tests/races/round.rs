//! Rounds in which two threads do one thing each, at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    task::Wake,
};

/// The number of rounds of the short form.
const SHORT: u64 = 5_000;

/// The number of rounds of each race.
fn rounds() -> u64 {
    std::env::var("RACE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(SHORT)
}

/// A waker that records whether the task was woken.
#[derive(Default)]
pub(crate) struct Woken(AtomicBool);

impl Woken {
    pub(crate) fn get(&self) -> bool {
        self.0.load(SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// Runs `left` and `right` on two threads, once per round and at the same time. `make` makes what the two share. After
/// both, `check` returns whether the round went wrong. Panics if any did.
pub(crate) fn race<T: Send + Sync>(
    make: impl Fn() -> T,
    left: impl Fn(&T) + Sync,
    right: impl Fn(&T) + Sync,
    check: impl Fn(&T) -> bool,
) {
    let rounds = rounds();
    // Chunks, because each round needs a value of its own, and making it must not be part of the race.
    const CHUNK: u64 = 1_000;
    let (mut wrong, mut done) = (0_u64, 0);
    while done < rounds {
        let chunk: Vec<T> = (0..CHUNK.min(rounds - done)).map(|_| make()).collect();
        let arrived = AtomicU64::new(0);
        let run = |side: &(dyn Fn(&T) + Sync), delay: u64| {
            for (round, value) in chunk.iter().enumerate() {
                let both = 2 * (round as u64 + 1);
                arrived.fetch_add(1, SeqCst);
                let mut spins = 0_u32;
                while arrived.load(SeqCst) < both {
                    spins += 1;
                    // The other thread may have no processor.
                    if spins > 10_000 { std::thread::yield_now() } else { std::hint::spin_loop() }
                }
                // Shifts the two against each other, so that the rounds meet different instructions.
                (0..(round as u64 * delay) % 61).for_each(|_| std::hint::spin_loop());
                side(value);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| run(&left, 7));
            run(&right, 13);
        });
        wrong += chunk.iter().filter(|value| check(value)).count() as u64;
        done += chunk.len() as u64;
    }
    println!("{wrong} of {rounds} rounds went wrong");
    assert_eq!(wrong, 0, "of {rounds} rounds");
}
