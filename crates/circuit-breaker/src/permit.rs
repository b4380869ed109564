//! A permit to make one call.

use std::{mem, num::NonZeroU64, thread::panicking, time::Duration};

use mainstay_core::{FailureKind, Outcome, Shared, UploadClock, is_runtime_ending};
use tokio::time::Instant;

use crate::{counters::Counter, state_machine::StateMachine};

/// One admitted call. [Record](Self::record) its outcome.
///
/// A permit that is dropped without an outcome is released, and the call counts for nothing, unless the caller gave up
/// after [`abandoned_after`](crate::BreakerSettings::abandoned_after): that is a failure. A panic of the call is recorded
/// where it happens, by the service and by [`Breaker::run`](crate::Breaker::run). With a permit of your own, use
/// [`on_panic`](mainstay_core::on_panic): a thread that panics elsewhere drops the permits of healthy calls too.
#[must_use = "a permit that is dropped at once records nothing"]
#[derive(Debug)]
pub struct Permit {
    machine: Shared<StateMachine>,
    /// The epoch that admitted the call, or [`UNRECORDED`]. A plain integer: every call moves its permit, and an
    /// `Option` is a word longer.
    epoch: u64,
    lease: Option<NonZeroU64>,
    started: Option<Instant>,
    upload: Option<UploadClock>,
}

/// The epoch of a permit whose outcome is not recorded, or was recorded already.
const UNRECORDED: u64 = u64::MAX;

/// The outcome of a call that panics.
pub(crate) const PANIC: Outcome = Outcome::failure(FailureKind::Unknown);

// === impl Permit ===

impl Permit {
    #[inline]
    pub(crate) fn recorded(machine: Shared<StateMachine>, epoch: u64, lease: Option<NonZeroU64>, timed: bool) -> Self {
        Self { machine, epoch, lease, started: timed.then(Instant::now), upload: None }
    }

    pub(crate) fn unrecorded(machine: Shared<StateMachine>) -> Self {
        Self { machine, epoch: UNRECORDED, lease: None, started: None, upload: None }
    }

    /// Returns the epoch that admitted the call, or `None` if its outcome is not recorded. In any other epoch the
    /// outcome changes nothing.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        (self.epoch != UNRECORDED).then_some(self.epoch)
    }

    /// Sets the clock of the request's body. What is measured of the call then runs from the body's last byte: whether it
    /// is slow or abandoned, and the lease of a trial call, which else ends as a failure. Set it before the call, for a
    /// request whose body is streamed from elsewhere; [`CircuitBreakerLayer`](crate::CircuitBreakerLayer) does so where the
    /// policy [knows](mainstay_core::Contextual::upload_clock) the clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mainstay_circuit_breaker::Breaker;
    /// use mainstay_core::UploadClock;
    ///
    /// # fn main() -> Result<(), mainstay_core::Rejected> {
    /// let mut permit = Breaker::new("files").try_acquire()?;
    /// let clock = UploadClock::new(Duration::from_secs(60));
    /// permit.set_upload_clock(clock.clone());
    /// // The body calls `clock.record_piece()` and `clock.record_wait()`.
    /// # Ok(()) }
    /// ```
    pub fn set_upload_clock(&mut self, clock: UploadClock) {
        if let Some(lease) = self.lease {
            self.machine.set_upload_clock(self.epoch, lease, clock.clone());
        }
        self.upload = Some(clock);
    }

    /// Records the outcome of the call.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.record_in_place(outcome);
    }

    /// Records the outcome without moving the permit. Later outcomes are ignored.
    #[inline]
    pub(crate) fn record_in_place(&mut self, outcome: Outcome) {
        let took = self.took();
        self.record_with(outcome, took);
    }

    /// Takes the permit, and leaves an unrecorded one.
    pub(crate) fn take(&mut self) -> Self {
        let unrecorded = Self::unrecorded(self.machine.clone());
        mem::replace(self, unrecorded)
    }

    /// Returns a function that records the outcome at the [end](mainstay_core::Follow) of a response that began well and
    /// streams.
    ///
    /// The duration of the call is measured now. A trial call whose lease expires after this counts as a success: the
    /// stream may go on for hours. A function that is dropped without a call records nothing.
    pub fn record_on_end(mut self) -> impl FnOnce(Outcome) + Send + Sync + 'static {
        let took = self.took();
        self.started = None;
        self.machine.mark_streaming(self.epoch, self.lease, took);
        move |outcome| self.record_with(outcome, took)
    }

    #[inline]
    fn record_with(&mut self, outcome: Outcome, took: Option<Duration>) {
        let epoch = mem::replace(&mut self.epoch, UNRECORDED);
        if epoch != UNRECORDED && !(outcome.is_success() && self.machine.record_clean_success(epoch, took)) {
            self.machine.record(epoch, self.lease, &outcome, took);
        }
    }

    #[inline]
    fn took(&self) -> Option<Duration> {
        let started = self.started.filter(|_| self.machine.needs_duration())?;
        Some(UploadClock::waited(self.upload.as_ref(), started))
    }

    /// Notes that the call is pending: from now on it can be abandoned.
    pub(crate) fn mark_pending(&mut self) {
        if self.started.is_none() && self.machine.detects_abandoned() {
            self.started = Some(Instant::now());
        }
    }

    /// Ends the call without an outcome.
    fn abandon(&mut self) {
        let (epoch, lease) = (self.epoch, self.lease);
        let ran = self.started.map_or(Duration::ZERO, |started| UploadClock::waited(self.upload.as_ref(), started));
        if self.machine.is_abandoned(ran) && !panicking() && !is_runtime_ending() {
            self.machine.counters.add(Counter::Abandoned);
            self.machine.record(epoch, lease, &Outcome::failure(FailureKind::Timeout), Some(ran));
        } else {
            self.machine.counters.add(Counter::Dropped);
            self.machine.release(epoch, lease);
        }
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if self.epoch != UNRECORDED {
            self.abandon();
        }
    }
}
