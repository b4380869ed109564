//! The decision for one request: where to look, and in what order. Same states, same choice.

use std::sync::atomic::{AtomicU32, Ordering};

/// Where one request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The endpoints that admit it, in order, beginning with this one and going round.
    From(usize),
    /// This one, whatever its state.
    Only(usize),
    /// Nowhere.
    Refuse,
}

/// What makes a decision anything but "the first usable endpoint", as one word that is zero when nothing does.
#[derive(Debug)]
pub(crate) struct Control(AtomicU32);

pub(crate) const DRY_RUN: u32 = 1;
/// Traffic returns only when somebody says so.
pub(crate) const MANUAL: u32 = 1 << 1;
/// Some endpoint gets a growing share of its traffic.
pub(crate) const RAMPING: u32 = 1 << 2;
/// Requests start the probes that are due.
pub(crate) const TRAFFIC_PROBES: u32 = 1 << 3;
/// The background tasks have yet to be started: there was no runtime.
pub(crate) const NOT_STARTED: u32 = 1 << 4;
const FORCED_AT: u32 = 8;

impl Control {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[inline]
    pub(crate) fn load(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, bit: u32, on: bool) {
        match on {
            true => self.0.fetch_or(bit, Ordering::AcqRel),
            false => self.0.fetch_and(!bit, Ordering::AcqRel),
        };
    }

    /// Sends everything to one endpoint, or no longer.
    pub(crate) fn force(&self, index: Option<usize>) {
        let forced = index.map_or(0, |index| (index as u32 + 1) << FORCED_AT);
        let keep = (1 << FORCED_AT) - 1;
        let swap = |word: u32| Some((word & keep) | forced);
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, swap);
    }
}

/// The endpoint that an operator chose.
pub(crate) fn forced(word: u32) -> Option<usize> {
    (word >> FORCED_AT).checked_sub(1).map(|index| index as usize)
}
