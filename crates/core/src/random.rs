//! A seedable random source, owned by a handle.
//!
//! All clones of a handle draw from one shared sequence, so no two attempts get the same jitter (Tower 0.5 copies the
//! generator with the backoff: eight clients got eight identical series). A Weyl sequence through a mixer (SplitMix64,
//! Steele, Lea and Flood, OOPSLA 2014) costs one `fetch_add` a draw. A generator behind a lock was rejected.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// A seedable random source that threads can share.
pub struct Random(Source);

enum Source {
    Mixed(AtomicU64),
    Scripted { draws: Box<[f64]>, next: AtomicUsize },
}

const WEYL: u64 = 0x9E37_79B9_7F4A_7C15;

// === impl Random ===

impl Random {
    /// Creates a source with a random seed.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(feature = "test-util")]
        if let Some(seed) = thread_seed::next() {
            return Self::seeded(seed);
        }
        Self::seeded(RandomState::new().hash_one(0_u64))
    }

    /// Derives the seeds of all sources that this thread creates with [`new`](Self::new) from `seed`, so that a simulation
    /// repeats itself although each handle owns its source. Sources that exist keep their sequences.
    #[cfg(feature = "test-util")]
    pub fn seed_thread(seed: u64) {
        thread_seed::set(seed);
    }

    /// Creates a source with this seed. The same seed gives the same sequence.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Mixed(AtomicU64::new(seed)))
    }

    /// Creates a source that repeats these draws, for tests. Values outside 0..1 are clamped; an empty script draws 0.5.
    #[must_use]
    pub fn scripted(draws: &[f64]) -> Self {
        let draws = draws.iter().map(|draw| if draw.is_nan() { 0.5 } else { draw.clamp(0.0, 1.0 - f64::EPSILON) });
        Self(Source::Scripted { draws: draws.collect(), next: AtomicUsize::new(0) })
    }

    /// Draws a number, uniform in `0.0..1.0`.
    pub fn unit(&self) -> f64 {
        match &self.0 {
            Source::Mixed(state) => {
                let mixed = mix(state.fetch_add(WEYL, Relaxed).wrapping_add(WEYL));
                (mixed >> 11) as f64 / (1_u64 << 53) as f64
            }
            Source::Scripted { draws, .. } if draws.is_empty() => 0.5,
            Source::Scripted { draws, next } => draws[next.fetch_add(1, Relaxed) % draws.len()],
        }
    }

    /// Draws a number, uniform in `low..high`.
    pub fn between(&self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

/// The seed of the sources that a thread creates.
#[cfg(feature = "test-util")]
mod thread_seed {
    use std::cell::Cell;

    use super::{WEYL, mix};

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(super) fn set(seed: u64) {
        STATE.set(Some(seed));
    }

    pub(super) fn next() -> Option<u64> {
        let next = STATE.get()?.wrapping_add(WEYL);
        STATE.set(Some(next));
        Some(mix(next))
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_depends_on_the_seed_alone() {
        let draw = |seed| {
            let random = Random::seeded(seed);
            std::array::from_fn::<_, 8, _>(|_| random.unit())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn seeded_thread_creates_the_same_sources_again() {
        let draw = |seed| {
            Random::seed_thread(seed);
            let sources = [Random::new(), Random::new()];
            sources.map(|source| source.unit())
        };
        let first = draw(7);
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
        assert_ne!(first[0], first[1]);
    }

    #[test]
    fn draws_are_uniform_in_the_unit_interval() {
        let random = Random::seeded(1);
        let mut tenths = [0_u32; 10];
        for _ in 0..100_000 {
            let draw = random.unit();
            assert!((0.0..1.0).contains(&draw));
            tenths[(draw * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|&n| (9_600..10_400).contains(&n)), "{tenths:?}");
    }
}
