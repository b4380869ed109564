//! A permit to make one call.

use std::{mem, num::NonZeroU64, sync::Arc, time::Duration};

use mainstay_core::{FailureKind, Outcome};
use tokio::time::Instant;

use crate::engine::{Engine, counter};

/// One admitted call. [Settle](Self::settle) it with the outcome.
///
/// Dropped without an outcome it is neutral, and frees its place; unless the call had run for
/// [`abandoned_after`](crate::BreakerSettings::abandoned_after), or the thread panics: then it counts as a failure.
#[must_use = "a permit that is dropped at once is a call that never was"]
#[derive(Debug)]
pub struct Permit {
    engine: Arc<Engine>,
    /// [`UNRECORDED`], or the epoch. Plain words rather than options: a permit is moved with every call.
    epoch: u64,
    lease: Option<NonZeroU64>,
    started: Option<Instant>,
}

/// The epoch of a call whose outcome counts for nothing, or was given.
const UNRECORDED: u64 = u64::MAX;

impl Permit {
    #[inline]
    pub(crate) fn recorded(engine: Arc<Engine>, epoch: u64, lease: Option<NonZeroU64>, timed: bool) -> Self {
        Self { engine, epoch, lease, started: timed.then(Instant::now) }
    }

    pub(crate) fn unrecorded(engine: Arc<Engine>) -> Self {
        Self { engine, epoch: UNRECORDED, lease: None, started: None }
    }

    /// The epoch that admitted the call; its outcome changes nothing in another one. `None` if it is not recorded.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        (self.epoch != UNRECORDED).then_some(self.epoch)
    }

    /// The call's outcome.
    #[inline]
    pub fn settle(mut self, outcome: Outcome) {
        let epoch = mem::replace(&mut self.epoch, UNRECORDED);
        if epoch != UNRECORDED {
            let took = self.started.filter(|_| self.engine.wants_duration()).map(|started| started.elapsed());
            self.engine.settle(epoch, self.lease, &outcome, took);
        }
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
