//! State, mode and epoch packed into one atomic word, so that admitting a call through a closed breaker is one load.
//!
//! Bits from low to high: 2 for the state, 2 for the mode, 1 for "calls may need a start time", 1 for "ramping", and the
//! rest for the epoch. The state, mode and ramping bits of a closed breaker in the normal mode are all zero.

use mainstay_core::Level;
use portable_atomic::{AtomicU64, Ordering};

use crate::{Mode, State};

/// One reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

#[derive(Debug)]
pub(crate) struct AtomicWord(AtomicU64);

const MODE_AT: u32 = 2;
const TIMED: u64 = 1 << 4;
const RAMPING: u64 = 1 << 5;
const EPOCH_AT: u32 = 6;

// === impl Word ===

impl Word {
    pub(crate) fn new(epoch: u64, state: State, mode: Mode) -> Self {
        Self((epoch << EPOCH_AT) | ((mode as u64) << MODE_AT) | state as u64)
    }

    pub(crate) fn timed(self, timed: bool) -> Self {
        Self(if timed { self.0 | TIMED } else { self.0 & !TIMED })
    }

    pub(crate) fn ramping(self, ramping: bool) -> Self {
        Self(if ramping { self.0 | RAMPING } else { self.0 & !RAMPING })
    }

    #[inline]
    pub(crate) fn is_timed(self) -> bool {
        self.0 & TIMED != 0
    }

    pub(crate) fn is_ramping(self) -> bool {
        self.0 & RAMPING != 0
    }

    /// Returns whether every call passes: closed, in the normal mode, and not ramping.
    #[inline]
    pub(crate) fn admits_all(self) -> bool {
        self.0 & ((TIMED - 1) | RAMPING) == 0
    }

    #[inline]
    pub(crate) fn epoch(self) -> u64 {
        self.0 >> EPOCH_AT
    }

    #[inline]
    pub(crate) fn state(self) -> State {
        match self.0 & 0b11 {
            0 => State::Closed,
            1 => State::Open,
            _ => State::HalfOpen,
        }
    }

    #[inline]
    pub(crate) fn mode(self) -> Mode {
        match (self.0 >> MODE_AT) & 0b11 {
            0 => Mode::Normal,
            1 => Mode::ForcedOpen,
            2 => Mode::Disabled,
            _ => Mode::Shadow,
        }
    }
}

impl Word {
    /// Returns the health of a breaker in this state and mode.
    pub(crate) fn level(self) -> Level {
        match (self.mode(), self.state()) {
            (Mode::Normal | Mode::ForcedOpen, State::Open) => Level::Unhealthy,
            (Mode::Normal, State::HalfOpen) | (Mode::Disabled, _) => Level::Degraded,
            _ => Level::Healthy,
        }
    }
}

// === impl AtomicWord ===

impl AtomicWord {
    pub(crate) fn new(word: Word) -> Self {
        Self(AtomicU64::new(word.0))
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.0.load(Ordering::Acquire))
    }

    /// Stores a word. The caller holds the state machine's lock.
    pub(crate) fn store(&self, word: Word) {
        self.0.store(word.0, Ordering::Release);
    }
}
