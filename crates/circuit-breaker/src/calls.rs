//! Calls through the handle: permits and outcomes.

use std::time::Duration;

use mainstay_core::{Outcome, Rejected};
use tokio::time::Instant;

use crate::{Announcement, Breaker, Permit, counters::Counter, state_machine::admit::Admission};

impl Breaker {
    /// Acquires a permit for one call. One load while closed; no lock and no allocation while refusing.
    ///
    /// # Errors
    /// [`Reason::CircuitOpen`](mainstay_core::Reason::CircuitOpen), with the time to the next trial.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.acquire(|| true)
    }

    /// Acquires a permit for a call whose future marks it as [pending](Permit::mark_pending). A call that is ready at its
    /// first poll cannot be abandoned, so it needs no clock read for that.
    pub(crate) fn try_acquire_for_future(&self) -> Result<Permit, Rejected> {
        self.acquire(|| self.0.needs_duration())
    }

    fn acquire(&self, times_from_start: impl FnOnce() -> bool) -> Result<Permit, Rejected> {
        match self.0.admit() {
            Admission::Pass { epoch, lease, timed } => {
                Ok(Permit::recorded(self.0.clone(), epoch, lease, timed && times_from_start()))
            }
            Admission::Unrecorded => Ok(Permit::unrecorded(self.0.clone())),
            Admission::Refuse => Err(self.0.rejected()),
        }
    }

    /// Returns whether a call would be refused now. Takes no permit.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        !self.0.word.load().admits_all() && self.0.refuses(Instant::now)
    }

    /// Returns the refusal that a call would get now, if any. Takes no permit.
    #[must_use]
    pub fn refusal(&self) -> Option<Rejected> {
        self.refuses().then(|| self.0.rejected())
    }

    /// Returns the time after which a retry makes sense, of the refusal that a call would get at `now`. `None` if the call
    /// would pass, or if only an operator ends the refusals. For owners of several breakers, which read the clock once.
    #[must_use]
    pub fn refusal_retry_after(&self, now: Instant) -> Option<Duration> {
        let refuses = !self.0.word.load().admits_all() && self.0.refuses(|| now);
        if refuses { self.0.retry_after(|| now) } else { None }
    }

    /// Records the outcome of a call that was made without a permit.
    pub fn record(&self, outcome: Outcome) {
        self.record_at(self.epoch(), outcome);
    }

    /// Records the outcome of a call that was sent in this epoch. Changes nothing in any other epoch.
    #[inline]
    pub fn record_at(&self, epoch: u64, outcome: Outcome) {
        if !(outcome.is_success() && self.0.record_clean_success(epoch, None)) {
            self.0.record(epoch, None, &outcome, None);
        }
    }

    /// Records the outcome of a probe: as a call while closed; while open and recovering by
    /// [probes](crate::Recovery::Probes), in the streak of successful probes, which anything but a success ends.
    pub fn record_probe(&self, outcome: Outcome) {
        self.record_probe_at(self.epoch(), outcome);
    }

    /// Records the outcome of a probe that was sent in this epoch. Changes nothing in any other epoch.
    pub fn record_probe_at(&self, epoch: u64, outcome: Outcome) {
        self.0.record_probe(epoch, &outcome);
    }

    /// Opens at once, by the rules: for a dependency that reports that it must not be used. An open breaker stays as it
    /// is, and its streak of probes starts again.
    pub fn trip(&self, reason: impl Into<String>) {
        self.0.trip(reason.into());
    }

    /// Opens, by rules that the caller evaluates itself, if the breaker is still in this epoch.
    pub fn trip_at(&self, epoch: u64, reason: impl Into<String>) {
        self.0.open(epoch, reason.into(), None);
    }

    /// Does the same as [`trip_at`](Self::trip_at) for a caller that holds a lock, under which no subscriber may run: the
    /// state changes now, and the change is logged and published when the result is dropped. Returns `None` if nothing
    /// changes.
    pub fn begin_trip_at(&self, epoch: u64, reason: impl Into<String>) -> Option<Announcement> {
        let change = self.0.begin_open(epoch, reason.into(), None)?;
        Some(Announcement::new(self.clone(), change))
    }

    /// Counts a call that its caller dropped and that counts for nothing: for owners that took no permit for it.
    pub fn record_dropped(&self) {
        self.0.counters.add(Counter::Dropped);
    }

    /// Ends the open time now if the recovery then ends the opening, as with its successful probes. The number of
    /// consecutive openings stays. Does nothing otherwise, or if the breaker is not open.
    pub fn end_open_time(&self) {
        self.0.end_open_time();
    }
}
