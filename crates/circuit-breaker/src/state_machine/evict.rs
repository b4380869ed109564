//! What a keyed store loses if it evicts a breaker that is not in use.

use std::time::Duration;

use tokio::time::Instant;

use super::{Locked, StateMachine};
use crate::{Mode, Recovery, State, WindowSettings};

/// Nothing is lost, or only what is old.
const NOTHING: u8 = 0;
/// The dependency was down, and no call has tried since whether it is back.
const PAST_OUTAGE: u8 = 1;
/// Calls failed or were slow lately, or the breaker was open lately.
const RECENT_CALLS: u8 = 2;

impl StateMachine {
    /// Returns the order of eviction. `None` keeps the breaker: it is open, or an operator has set its mode. Changes and
    /// logs nothing, because it runs under the store's lock.
    pub(crate) fn eviction_rank(&self) -> Option<u8> {
        let (locked, now) = (self.lock(), Instant::now());
        let word = self.word.load();
        let by_trials = matches!(locked.settings.recovery, Recovery::Trials { .. });
        match (word.mode(), word.state()) {
            (Mode::Normal, State::Closed) if self.has_old_calls_only(&locked, now) => Some(NOTHING),
            (Mode::Normal, State::Closed) => Some(RECENT_CALLS),
            (Mode::Normal, State::HalfOpen) => Some(PAST_OUTAGE),
            (Mode::Normal, State::Open) if by_trials && now >= locked.recovery.open_until => Some(PAST_OUTAGE),
            _ => None,
        }
    }

    /// Returns whether no opening counts any more, and no call of the windows failed or was slow within a healthy period.
    fn has_old_calls_only(&self, locked: &Locked, now: Instant) -> bool {
        let (failures, slow) = self.rules.tallies();
        let span = match locked.settings.window {
            WindowSettings::Last(span) => span,
            WindowSettings::LastCalls(_) => Duration::ZERO,
        };
        let memory = span.max(locked.settings.open.decay);
        let now_since_start = self.since_start(now);
        let is_old = |at: Option<Duration>| at.is_none_or(|at| now_since_start.saturating_sub(at) >= memory);
        let failed = failures.hits > 0 || self.rules.consecutive_failures() > 0;
        locked.openings_at(now, State::Closed) == 0
            && (!failed || is_old(self.last_failure_at.load()))
            && (slow.hits == 0 || is_old(self.last_slow_at.load()))
    }
}
