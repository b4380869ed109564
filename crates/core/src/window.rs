//! Sliding windows: how many of the last calls, or of the calls in the last seconds, were hits.
//!
//! A window counts one kind of event; a breaker with two rates holds two windows. A window is exact and lock-free: a
//! record is applied as a whole, and the tally that it returns includes it, so at least one of many threads sees each
//! crossing of a threshold. Each record carries an *epoch*: a call admitted before a [`reset`](Window::reset) is not
//! counted after it.

use std::time::Duration;

use tokio::time::Instant;

mod register;
mod ring;
mod tally;
mod time;

pub use tally::Tally;

use register::Register;
use ring::Ring;
use time::Slices;

/// A sliding window of hits.
///
/// ```
/// use mainstay_core::Window;
/// use tokio::time::Instant;
///
/// let window = Window::last_calls(3);
/// for hit in [true, false, false, true] {
///     window.record(hit, 0, Instant::now);
/// }
/// // The window slides: the first hit has left it.
/// let tally = window.tally(Instant::now);
/// assert_eq!((tally.calls, tally.hits), (3, 1));
/// ```
#[derive(Debug)]
pub struct Window(Kind);

#[derive(Debug)]
enum Kind {
    Register(Register),
    Ring(Ring),
    Slices(Slices),
}

// === impl Window ===

impl Window {
    /// Creates a window of the last `n` calls; zero counts as one. Up to 104 calls fit one atomic word, more use a ring.
    #[must_use]
    pub fn last_calls(n: u32) -> Self {
        match n.max(1) {
            n if n <= Register::CAPACITY => Self(Kind::Register(Register::new(n))),
            n => Self(Kind::Ring(Ring::new(n))),
        }
    }

    /// Creates a window of the last `span`, in ten slices. It covers between nine tenths of the span and all of it.
    #[must_use]
    pub fn last(span: Duration) -> Self {
        Self::last_in_slices(span, 10)
    }

    /// Creates a window of the last `span` in this many slices (zero counts as one). A slice leaves as a whole.
    #[must_use]
    pub fn last_in_slices(span: Duration, slices: u32) -> Self {
        Self(Kind::Slices(Slices::new(span, slices.max(1))))
    }

    /// Records a call and returns the tally that includes it, or `None` if its epoch has passed. Only windows of time read
    /// the clock.
    #[inline]
    pub fn record(&self, hit: bool, epoch: u16, now: impl FnOnce() -> Instant) -> Option<Tally> {
        match &self.0 {
            Kind::Register(register) => register.record(hit, epoch),
            Kind::Ring(ring) => ring.record(hit, epoch),
            Kind::Slices(slices) => slices.record(hit, epoch, now()),
        }
    }

    /// Returns whether the window is full of successes of this epoch, so that another success changes nothing. Reads one
    /// word. Always false for windows of time.
    #[inline]
    #[must_use]
    pub fn is_clean(&self, epoch: u16) -> bool {
        match &self.0 {
            Kind::Register(register) => register.is_clean(epoch),
            Kind::Ring(_) | Kind::Slices(_) => false,
        }
    }

    /// Records a call and returns the tally only if it includes a hit, for rules that fire on hits. A window of time
    /// without a hit skips the sum.
    #[inline]
    pub fn record_for_hits(&self, hit: bool, epoch: u16, now: impl FnOnce() -> Instant) -> Option<Tally> {
        match &self.0 {
            Kind::Slices(slices) => slices.record_for_hits(hit, epoch, now()),
            _ => self.record(hit, epoch, now).filter(|tally| tally.hits > 0),
        }
    }

    /// Returns the current tally.
    pub fn tally(&self, now: impl FnOnce() -> Instant) -> Tally {
        match &self.0 {
            Kind::Register(register) => register.tally(),
            Kind::Ring(ring) => ring.tally(),
            Kind::Slices(slices) => slices.tally(now()),
        }
    }

    /// Empties the window and starts a new epoch.
    pub fn reset(&self, epoch: u16) {
        match &self.0 {
            Kind::Register(register) => register.reset(epoch),
            Kind::Ring(ring) => ring.reset(epoch),
            Kind::Slices(slices) => slices.reset(epoch),
        }
    }
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
