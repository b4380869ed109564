//! Windows: how many of the last calls (or of the calls in the last seconds) were hits.
//!
//! A window records one kind of event, a hit or not; a breaker with two rates holds two. Each is exact and
//! lock-free: a record lands wholly or not at all, and the tally it returns contains it, so of many threads at
//! least one sees every crossing. An *epoch* tags each record: what was admitted before a [`reset`](Window::reset)
//! can never count after it.

use std::time::Duration;

use tokio::time::Instant;

mod register;
mod ring;
mod time;

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
/// // Really sliding: the first hit has left.
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

/// What a window holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tally {
    /// Calls in the window.
    pub calls: u32,
    /// Hits among them.
    pub hits: u32,
}

// === impl Window ===

impl Window {
    /// The last `n` calls; zero counts as one. Up to 104 fit one atomic word, more take a ring.
    #[must_use]
    pub fn last_calls(n: u32) -> Self {
        match n.max(1) {
            n if n <= Register::CAPACITY => Self(Kind::Register(Register::new(n))),
            n => Self(Kind::Ring(Ring::new(n))),
        }
    }

    /// The calls of the last `span`, in ten slices: between nine tenths of the span and all of it.
    #[must_use]
    pub fn last(span: Duration) -> Self {
        Self::last_in_slices(span, 10)
    }

    /// The calls of the last `span`, in this many slices (zero counts as one). A slice leaves as a whole.
    #[must_use]
    pub fn last_in_slices(span: Duration, slices: u32) -> Self {
        Self(Kind::Slices(Slices::new(span, slices.max(1))))
    }

    /// Records a call, unless its epoch has passed, and gives the tally that contains it. The clock is read only
    /// by windows of time.
    #[inline]
    pub fn record(&self, hit: bool, epoch: u16, now: impl FnOnce() -> Instant) -> Option<Tally> {
        match &self.0 {
            Kind::Register(register) => register.record(hit, epoch),
            Kind::Ring(ring) => ring.record(hit, epoch),
            Kind::Slices(slices) => slices.record(hit, epoch, now()),
        }
    }

    /// Whether a success of this epoch would change nothing: one word is read to know, and there is nothing to record.
    /// Windows of time always change.
    #[inline]
    #[must_use]
    pub fn is_clean(&self, epoch: u16) -> bool {
        match &self.0 {
            Kind::Register(register) => register.is_clean(epoch),
            Kind::Ring(_) | Kind::Slices(_) => false,
        }
    }

    /// Records a call as [`record`](Self::record) does, for rules that only hits can fire: gives the tally where there
    /// is a hit in it. A window of time without any saves itself the sum.
    #[inline]
    pub fn record_for_hits(&self, hit: bool, epoch: u16, now: impl FnOnce() -> Instant) -> Option<Tally> {
        match &self.0 {
            Kind::Slices(slices) => slices.record_for_hits(hit, epoch, now()),
            _ => self.record(hit, epoch, now).filter(|tally| tally.hits > 0),
        }
    }

    /// What the window holds now.
    pub fn tally(&self, now: impl FnOnce() -> Instant) -> Tally {
        match &self.0 {
            Kind::Register(register) => register.tally(),
            Kind::Ring(ring) => ring.tally(),
            Kind::Slices(slices) => slices.tally(now()),
        }
    }

    /// Empties the window and begins a new epoch.
    pub fn reset(&self, epoch: u16) {
        match &self.0 {
            Kind::Register(register) => register.reset(epoch),
            Kind::Ring(ring) => ring.reset(epoch),
            Kind::Slices(slices) => slices.reset(epoch),
        }
    }
}

// === impl Tally ===

impl Tally {
    /// Hits among calls, or `None` below the minimum: too few calls say nothing.
    #[must_use]
    pub fn rate(&self, minimum_calls: u32) -> Option<f64> {
        (self.calls >= minimum_calls.max(1)).then(|| f64::from(self.hits) / f64::from(self.calls))
    }

    /// Whether the rate is defined and at or above the threshold.
    #[must_use]
    pub fn reaches(&self, threshold: f64, minimum_calls: u32) -> bool {
        self.rate(minimum_calls).is_some_and(|rate| rate >= threshold)
    }
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
