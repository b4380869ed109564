//! The record of one replica.

use std::{mem, time::Duration};

use crate::event::{Answer, Route};

/// All times are from the start of the run.
#[derive(Debug, Default)]
pub(crate) struct Replica {
    /// One letter for each answer of this second.
    answers: String,
    /// One letter for each second of the run.
    pub(crate) seconds: String,
    pub(crate) requests: u64,
    /// Errors to requests that could have been repeated.
    pub(crate) avoidable: u64,
    /// Errors to requests that must not be repeated.
    pub(crate) unavoidable: u64,
    pub(crate) changes: u64,
    pub(crate) left: Vec<Duration>,
    pub(crate) returned: Vec<Duration>,
}

pub(crate) const PRIMARY: char = 'P';
pub(crate) const BACKUP: char = 'B';
pub(crate) const MIXED: char = '/';
pub(crate) const FAILED: char = '!';

// === impl Replica ===

impl Replica {
    pub(crate) fn answered(&mut self, answer: &Answer) {
        self.requests += 1;
        self.answers.push(match answer {
            Answer::Primary => PRIMARY,
            Answer::Backup => BACKUP,
            Answer::Failure { avoidable, .. } => {
                *if *avoidable { &mut self.avoidable } else { &mut self.unavoidable } += 1;
                FAILED
            }
        });
    }

    pub(crate) fn routed(&mut self, route: &Route, at: Duration) {
        self.changes = route.changes;
        // A change from one backup to another, or from a backup to none, is not a return.
        match (route.on_primary, self.is_away()) {
            (true, true) => self.returned.push(at),
            (false, false) => self.left.push(at),
            _ => {}
        }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.left.len() > self.returned.len()
    }

    /// Returns the time on the backup up to now.
    pub(crate) fn away(&self, now: Duration) -> Duration {
        let back = self.returned.iter().copied().chain([now]);
        self.left.iter().zip(back).map(|(left, back)| back.saturating_sub(*left)).sum()
    }

    /// Ends a second, and returns the letters of its answers.
    pub(crate) fn end_second(&mut self) -> String {
        let answers = mem::take(&mut self.answers);
        let has = |letter: char| answers.contains(letter);
        self.seconds.push(match (has(FAILED), has(PRIMARY), has(BACKUP)) {
            (true, _, _) => FAILED,
            (_, true, true) => MIXED,
            (_, true, false) => PRIMARY,
            (_, false, true) => BACKUP,
            (_, false, false) => ' ',
        });
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_on_backup_is_the_sum_of_all_stays() {
        let mut replica = Replica::default();
        let route = |on_primary, changes| Route { on_primary, changes, reason: String::new(), hold: None };
        let second = Duration::from_secs;
        for (at, on_primary) in [(2, false), (5, true), (10, false), (11, false)] {
            replica.routed(&route(on_primary, replica.changes + 1), second(at));
        }
        assert_eq!((replica.changes, replica.left.len(), replica.returned.len()), (4, 2, 1));
        assert!(replica.is_away());
        assert_eq!(replica.away(second(12)), second(5));
    }

    #[test]
    fn second_shows_its_worst_answer() {
        let mut replica = Replica::default();
        replica.answered(&Answer::Primary);
        assert_eq!(replica.end_second(), "P");
        replica.answered(&Answer::Backup);
        replica.answered(&Answer::Primary);
        assert_eq!(replica.end_second(), "BP");
        replica.answered(&Answer::Failure { avoidable: false, error: String::new() });
        replica.answered(&Answer::Primary);
        assert_eq!(replica.end_second(), "!P");
        assert_eq!(replica.end_second(), "");
        assert_eq!(replica.seconds, "P/! ");
        assert_eq!((replica.requests, replica.avoidable, replica.unavoidable), (5, 0, 1));
    }
}
