//! A comparison of two endpoints by the same traffic: whether leaving one would mend what fails there.
//!
//! A request that may be sent once only proves nothing of its endpoint, because no other one is asked. While many such
//! requests fail at the endpoint in use, each first attempt goes to it or to the next usable endpoint by chance, so that
//! both get the same mix of requests, and the [shares](crate::shares) that fail are compared. A route that fails at every
//! endpoint fails as often at both.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Tally, nanos};

use crate::{
    control::{AtomicControl, Flag},
    shares::{calls_to_tell, is_worse},
};

/// The comparison that runs, if any.
#[derive(Debug)]
pub(crate) struct Comparison {
    state: Mutex<State>,
    /// When the one that runs ends at the latest, in nanoseconds since the switchboard's start; [`NEVER`] without
    /// one.
    ends_at: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    /// When the next one may begin.
    next_at: u64,
}

/// Two endpoints, the one in use first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    pub(crate) endpoints: [usize; 2],
    began_at: u64,
    pub(crate) tallies: [Tally; 2],
}

/// When a comparison that finds no difference ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The least time.
    pub(crate) shortest: Duration,
    /// The share of failures below which the first endpoint is not to be left.
    pub(crate) least_share: f64,
}

/// What the outcomes of a comparison say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Too little is known.
    Open,
    /// The first endpoint fails more often.
    Worse(Running),
    /// No difference was found, and the comparison has ended.
    Equal(Running),
}

const NEVER: u64 = u64::MAX;
/// The longest time, as a multiple of the least one.
const LONGEST: u32 = 10;
/// The time after one that has found no difference.
const PAUSE: Duration = Duration::from_secs(30);

// === impl Comparison ===

impl Comparison {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, unless one runs or the pause after the last one lasts.
    pub(crate) fn begin(&self, endpoints: [usize; 2], now: u64, terms: Terms, control: &AtomicControl) -> bool {
        let mut state = self.lock();
        if state.running.is_some() || now < state.next_at {
            return false;
        }
        state.running = Some(Running { endpoints, began_at: now, tallies: Default::default() });
        self.ends_at.store(now.saturating_add(nanos(terms.shortest * LONGEST)), Relaxed);
        // Under the lock, so that the flag is set if one runs.
        control.set(Flag::Comparing, true);
        true
    }

    /// Records an outcome.
    pub(crate) fn record(
        &self,
        index: usize,
        has_failed: bool,
        now: u64,
        terms: Terms,
        control: &AtomicControl,
    ) -> Verdict {
        let mut state = self.lock();
        let Some(running) = &mut state.running else { return Verdict::Open };
        let Some(position) = running.endpoints.iter().position(|endpoint| *endpoint == index) else {
            return Verdict::Open;
        };
        let tally = &mut running.tallies[position];
        (tally.calls, tally.hits) = (tally.calls + 1, tally.hits + u32::from(has_failed));
        let (running, [first, second]) = (*running, running.tallies);
        let needed = calls_to_tell(first.rate(1).unwrap_or_default().max(terms.least_share));
        let is_complete =
            now.saturating_sub(running.began_at) >= nanos(terms.shortest) && first.calls.min(second.calls) >= needed;
        match is_worse(first, second) {
            // It goes on until the endpoint is left, which another thread may prevent for now.
            true => Verdict::Worse(running),
            false if is_complete => {
                self.end_locked(state, now.saturating_add(nanos(PAUSE)), control);
                Verdict::Equal(running)
            }
            false => Verdict::Open,
        }
    }

    /// Ends the one that runs if its time is over.
    pub(crate) fn review(&self, now: u64, control: &AtomicControl) {
        if now >= self.ends_at.load(Relaxed) {
            self.end_locked(self.lock(), now.saturating_add(nanos(PAUSE)), control);
        }
    }

    /// Ends the one that runs, because another endpoint is in use. The next one may begin at once.
    pub(crate) fn end(&self, control: &AtomicControl) {
        self.end_locked(self.lock(), 0, control);
    }

    fn end_locked(&self, mut state: MutexGuard<'_, State>, next_at: u64, control: &AtomicControl) {
        if state.running.take().is_some() {
            state.next_at = next_at;
        }
        self.ends_at.store(NEVER, Relaxed);
        control.set(Flag::Comparing, false);
    }

    /// Returns the endpoint that this one is compared with.
    pub(crate) fn partner(&self, index: usize) -> Option<usize> {
        match self.lock().running?.endpoints {
            [first, second] if first == index => Some(second),
            [first, second] if second == index => Some(first),
            _ => None,
        }
    }
}

impl Default for Comparison {
    fn default() -> Self {
        Self { state: Mutex::default(), ends_at: AtomicU64::new(NEVER) }
    }
}
