//! A bounded log of state changes.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The last 64 state changes of a handle, numbered from 1 without gaps.
///
/// The owner keeps the log behind its own lock and writes an entry for every change.
#[derive(Debug)]
pub struct TransitionLog<T> {
    entries: VecDeque<T>,
    sequence: u64,
    since: Instant,
}

const CAPACITY: usize = 64;

impl<T> TransitionLog<T> {
    /// Creates an empty log of a state that began at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { entries: VecDeque::new(), sequence: 0, since: now }
    }

    /// Appends the entry that `entry` builds from its number and from the time spent in the state before.
    pub fn push(&mut self, now: Instant, entry: impl FnOnce(u64, Duration) -> T) -> &T {
        self.sequence += 1;
        let spent = now.saturating_duration_since(self.since);
        self.since = now;
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(entry(self.sequence, spent));
        &self.entries[self.entries.len() - 1]
    }

    /// Returns the newest entry.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.entries.back()
    }

    /// Returns the entries that are kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    /// Returns the number of the newest entry, 0 before the first.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns when the current state began.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn full_log_drops_the_oldest_and_numbers_on() {
        let start = Instant::now();
        let mut log = TransitionLog::new(start);
        assert_eq!((log.sequence(), log.last()), (0, None));
        for second in 1..=100 {
            let now = start + Duration::from_secs(second);
            assert_eq!(log.push(now, |number, spent| (number, spent)), &(second, Duration::from_secs(1)));
        }
        let kept: Vec<_> = log.iter().map(|(number, _)| *number).collect();
        assert_eq!((kept.len(), kept[0], kept[63]), (64, 37, 100));
        assert_eq!((log.sequence(), log.since()), (100, start + Duration::from_secs(100)));
    }
}
