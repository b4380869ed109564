//! The phase of a drain and its deadline: the transitions, without tasks.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    phase::{Cause, Phase},
    settings::DrainSettings,
};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// When the phase ends by itself; `None` for a phase without a limit.
    pub(crate) until: Option<Instant>,
    pub(crate) settings: DrainSettings,
}

// === impl State ===

// Each transition returns whether the phase changed.
impl State {
    /// Enters the first phase of the drain, unless the drain has begun.
    pub(crate) fn begin(&mut self, cause: Cause) -> bool {
        if self.phase != Phase::Serving {
            return false;
        }
        let delay = if cause.announces() { self.settings.drain_delay } else { Duration::ZERO };
        self.enter(Phase::Announced, Some(delay))
    }

    /// Enters the phase after `phase`, if `phase` is still the current one.
    pub(crate) fn leave(&mut self, phase: Phase) -> bool {
        if self.phase != phase {
            return false;
        }
        match phase {
            Phase::Serving | Phase::Done => false,
            Phase::Announced => self.enter(Phase::Closing, Some(self.settings.drain_timeout)),
            Phase::Closing => self.enter(Phase::Finishing, None),
            Phase::Finishing => self.enter(Phase::Done, None),
        }
    }

    /// Enters `phase`, unless it or a later phase was reached.
    pub(crate) fn advance_to(&mut self, phase: Phase) -> bool {
        self.phase < phase && self.enter(phase, None)
    }

    fn enter(&mut self, phase: Phase, limit: Option<Duration>) -> bool {
        self.phase = phase;
        self.until = limit.map(|limit| Instant::now() + limit);
        true
    }
}
