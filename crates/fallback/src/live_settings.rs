//! The settings in force, in one atomic word: a change is one step, and a request reads one word.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{Class, nanos};

use crate::FallbackSettings;

/// The nanoseconds of `settle_after`, and below them a bit for each class for which the steps run. A year, the longest
/// time, has 55 bits.
#[derive(Debug)]
pub(crate) struct LiveSettings(AtomicU64);

const CLASSES: [Class; 3] = [Class::Failure, Class::Overloaded, Class::Rejected];

// === impl LiveSettings ===

impl LiveSettings {
    pub(crate) fn new(settings: &FallbackSettings) -> Self {
        Self(AtomicU64::new(word(settings)))
    }

    /// Replaces the settings by others that were validated.
    pub(crate) fn set(&self, settings: &FallbackSettings) {
        self.0.store(word(settings), Relaxed);
    }

    pub(crate) fn get(&self) -> FallbackSettings {
        let word = self.0.load(Relaxed);
        let [on_failure, on_overloaded, on_rejected] = CLASSES.map(|class| word & bit(class) != 0);
        FallbackSettings { on_failure, on_overloaded, on_rejected, settle_after: settle_after(word) }
    }

    /// Returns whether the steps run for an outcome of this class.
    pub(crate) fn covers(&self, class: Class) -> bool {
        self.0.load(Relaxed) & bit(class) != 0
    }

    pub(crate) fn settle_after(&self) -> Duration {
        settle_after(self.0.load(Relaxed))
    }
}

const fn bit(class: Class) -> u64 {
    match class {
        Class::Failure => 1,
        Class::Overloaded => 2,
        Class::Rejected => 4,
        _ => 0,
    }
}

const fn settle_after(word: u64) -> Duration {
    Duration::from_nanos(word >> CLASSES.len())
}

fn word(settings: &FallbackSettings) -> u64 {
    let classes: u64 = CLASSES.into_iter().filter(|class| settings.covers(*class)).map(bit).sum();
    nanos(settings.settle_after) << CLASSES.len() | classes
}

#[cfg(test)]
mod tests {
    use mainstay_core::settings::LONGEST;

    use super::*;

    #[test]
    fn settings_come_back_from_the_word() {
        for settle_after in [Duration::from_millis(1), Duration::from_secs(10), LONGEST] {
            for bits in 1..8 {
                let [on_failure, on_overloaded, on_rejected] = [1, 2, 4].map(|bit| bits & bit != 0);
                let settings = FallbackSettings { on_failure, on_overloaded, on_rejected, settle_after };
                let live = LiveSettings::new(&FallbackSettings::default());
                live.set(&settings);
                assert_eq!((live.get(), live.settle_after()), (settings.clone(), settle_after));
                assert!(CLASSES.into_iter().all(|class| live.covers(class) == settings.covers(class)));
                assert!(!live.covers(Class::Ignored) && !live.covers(Class::Success));
            }
        }
    }
}
