//! A permit to make one call.

use std::{mem, num::NonZeroU64, time::Duration};

use mainstay_core::{FailureKind, Outcome, Shared};
use tokio::time::Instant;

use crate::engine::{Engine, counter};

/// One admitted call. [Settle](Self::settle) it with the outcome.
///
/// Dropped without an outcome it is neutral, and frees its place; unless the call had run for
/// [`abandoned_after`](crate::BreakerSettings::abandoned_after), or the thread panics: then it counts as a failure.
#[must_use = "a permit that is dropped at once is a call that never was"]
#[derive(Debug)]
pub struct Permit {
    engine: Shared<Engine>,
    /// [`UNRECORDED`], or the epoch. Plain words rather than options: a permit is moved with every call.
    epoch: u64,
    lease: Option<NonZeroU64>,
    started: Option<Instant>,
}

/// The epoch of a call whose outcome counts for nothing, or was given.
const UNRECORDED: u64 = u64::MAX;

impl Permit {
    #[inline]
    pub(crate) fn recorded(engine: Shared<Engine>, epoch: u64, lease: Option<NonZeroU64>, timed: bool) -> Self {
        Self { engine, epoch, lease, started: timed.then(Instant::now) }
    }

    pub(crate) fn unrecorded(engine: Shared<Engine>) -> Self {
        Self { engine, epoch: UNRECORDED, lease: None, started: None }
    }

    /// The epoch that admitted the call; its outcome changes nothing in another one. `None` if it is not recorded.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        (self.epoch != UNRECORDED).then_some(self.epoch)
    }

    /// The call's outcome.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.settle_here(outcome);
    }

    /// The same, without moving it. Once: a second outcome is none.
    #[inline]
    pub(crate) fn settle_here(&mut self, outcome: Outcome) {
        let took = self.took();
        self.settle_after(outcome, took);
    }

    /// Leaves one that counts for nothing.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Self::unrecorded(self.engine.clone());
        mem::replace(self, nothing)
    }

    /// The answer began well and goes on: gives what is to be told its [end](mainstay_core::Follow).
    ///
    /// How long the call took is measured now, and a trial call that outlives its lease has shown that the dependency
    /// is back: a stream may go on for hours. Dropped without an outcome it is neutral, however long it ran.
    pub fn record_on_end(mut self) -> impl FnOnce(Outcome) + Send + Sync + 'static {
        let took = self.took();
        self.started = None;
        self.engine.begun(self.epoch, self.lease, took);
        move |outcome| self.settle_after(outcome, took)
    }

    #[inline]
    fn settle_after(&mut self, outcome: Outcome, took: Option<Duration>) {
        let epoch = mem::replace(&mut self.epoch, UNRECORDED);
        if epoch != UNRECORDED && !(outcome.is_success() && self.engine.absorb_success(epoch, took)) {
            self.engine.settle(epoch, self.lease, &outcome, took);
        }
    }

    #[inline]
    fn took(&self) -> Option<Duration> {
        self.started.filter(|_| self.engine.wants_duration()).map(|started| started.elapsed())
    }

    /// The call is found to be waiting: from now on it may be abandoned.
    pub(crate) fn waits(&mut self) {
        if self.started.is_none() && self.engine.notices_abandoned() {
            self.started = Some(Instant::now());
        }
    }

    /// The call ended without an outcome.
    fn abandon(&mut self) {
        let (epoch, lease) = (self.epoch, self.lease);
        let ran = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        if std::thread::panicking() {
            self.engine.settle(epoch, lease, &Outcome::failure(FailureKind::Unknown), Some(ran));
        } else if self.engine.abandoned(ran) {
            self.engine.counters.add(counter::ABANDONED);
            self.engine.settle(epoch, lease, &Outcome::failure(FailureKind::Timeout), Some(ran));
        } else {
            self.engine.give_back(epoch, lease);
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
