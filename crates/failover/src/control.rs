//! What changes the choice of an endpoint beside the endpoints' states, as one atomic word.
//!
//! The word is zero when nothing does, so the request path finds that with one load.

use std::sync::atomic::{AtomicU32, Ordering};

/// The control word: loaded by requests, written by operators, settings, the switchboard and the prober.
#[derive(Debug, Default)]
pub(crate) struct AtomicControl(AtomicU32);

/// One value of the control word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control(u32);

/// A flag in the control word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flag {
    /// Decisions are logged, and requests go to the primary.
    DryRun = 1,
    /// Traffic returns only when an operator orders it.
    ManualReturn = 1 << 1,
    /// The endpoint in use gets a growing share of the requests.
    Ramping = 1 << 2,
    /// Requests start the probe rounds that are due.
    ProbeOnTraffic = 1 << 3,
    /// The background tasks that probe are not started yet, because there was no runtime.
    ProberNotStarted = 1 << 4,
    /// An endpoint is suspended while a probe decides on it.
    Suspended = 1 << 5,
    /// Two endpoints are compared.
    Comparing = 1 << 6,
}

/// The position of the forced endpoint's number, which counts from 1.
const FORCED_SHIFT: u32 = 8;
const FLAGS: u32 = (1 << FORCED_SHIFT) - 1;

// === impl AtomicControl ===

impl AtomicControl {
    #[inline]
    pub(crate) fn load(&self) -> Control {
        Control(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, flag: Flag, on: bool) {
        match on {
            true => self.0.fetch_or(flag as u32, Ordering::AcqRel),
            false => self.0.fetch_and(!(flag as u32), Ordering::AcqRel),
        };
    }

    /// Sends all requests to one endpoint, or ends that.
    pub(crate) fn force(&self, index: Option<usize>) {
        let update = |word| Some(Control(word).with_forced(index).0);
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
    }
}

// === impl Control ===

impl Control {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(0);

    /// Whether the endpoints' states alone decide.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & flag as u32 != 0
    }

    /// Returns the endpoint that an operator chose.
    pub(crate) fn forced(self) -> Option<usize> {
        (self.0 >> FORCED_SHIFT).checked_sub(1).map(|index| index as usize)
    }

    pub(crate) fn with_forced(self, index: Option<usize>) -> Self {
        Self((self.0 & FLAGS) | index.map_or(0, |index| (index as u32 + 1) << FORCED_SHIFT))
    }

    #[cfg(test)]
    pub(crate) fn with(self, flag: Flag) -> Self {
        Self(self.0 | flag as u32)
    }
}
