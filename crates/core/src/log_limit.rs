//! Which changes between a good and a bad state are logged at info or above.
//!
//! A handle at its limit can change its state with every request, and a store of a thousand keys can have a thousand
//! changes at once. One line a change hides what an operator looks for. A limit is shared by everything that one line
//! stands for: a handle, or all keys of a store.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Limits the lines of a handle or a store: a fault at most every ten seconds, and one recovery after each.
///
/// Both methods return `None` if the change is not logged, and else the number of changes that were not logged since
/// the last line, which the line shows.
#[derive(Debug, Default)]
pub struct LogLimit {
    /// Whether a fault was not logged, so that the last line says that all is well.
    is_behind: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_fault: Option<Instant>,
    /// Whether the last line is a fault.
    shows_fault: bool,
    left_out: u64,
}

const BETWEEN_FAULTS: Duration = Duration::from_secs(10);

// === impl LogLimit ===

impl LogLimit {
    /// Notes a change to a bad state.
    pub fn fault(&self, now: Instant) -> Option<u64> {
        self.note_fault(now, 1)
    }

    /// Notes that a bad state lasts. It is logged if its beginning was not, and the last line says that all is well.
    pub fn fault_lasts(&self, now: Instant) -> Option<u64> {
        if self.is_behind.load(Relaxed) { self.note_fault(now, 0) } else { None }
    }

    fn note_fault(&self, now: Instant, changes: u64) -> Option<u64> {
        let mut state = self.state();
        let is_due = state.last_fault.is_none_or(|last| now.saturating_duration_since(last) >= BETWEEN_FAULTS);
        if !is_due {
            state.left_out += changes;
            self.is_behind.store(!state.shows_fault, Relaxed);
            return None;
        }
        (state.last_fault, state.shows_fault) = (Some(now), true);
        self.is_behind.store(false, Relaxed);
        Some(std::mem::take(&mut state.left_out))
    }

    /// Notes a change to a good state. It is logged if the last line is a fault.
    pub fn recovery(&self) -> Option<u64> {
        let mut state = self.state();
        self.is_behind.store(false, Relaxed);
        if !std::mem::take(&mut state.shows_fault) {
            state.left_out += 1;
            return None;
        }
        Some(std::mem::take(&mut state.left_out))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn state_that_flaps_is_logged_every_ten_seconds_with_a_count() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        let mut lines = Vec::new();
        for tick in 0..2_000 {
            let now = start + tick * Duration::from_millis(10);
            lines.extend(limit.fault(now).map(|left_out| (tick, "fault", left_out)));
            lines.extend(limit.recovery().map(|left_out| (tick, "recovery", left_out)));
        }
        assert_eq!(lines, [(0, "fault", 0), (0, "recovery", 0), (1_000, "fault", 1_998), (1_000, "recovery", 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn fault_that_lasts_is_logged_in_the_end() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        assert_eq!(limit.fault(start), Some(0));
        assert_eq!(limit.fault_lasts(start + BETWEEN_FAULTS), None, "the last line shows it");
        assert_eq!(limit.recovery(), Some(0));
        assert_eq!(limit.fault(start + Duration::from_secs(1)), None);
        assert_eq!(limit.fault_lasts(start + Duration::from_secs(2)), None);
        assert_eq!(limit.fault_lasts(start + BETWEEN_FAULTS), Some(1));
        assert_eq!(limit.fault_lasts(start + 2 * BETWEEN_FAULTS), None);
    }
}
