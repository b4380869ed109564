//! A permit to make one call.

use std::{sync::Arc, time::Duration};

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
    /// `None`: passes unrecorded.
    epoch: Option<u64>,
    lease: Option<u64>,
    started: Option<Instant>,
}

impl Permit {
    #[inline]
    pub(crate) fn new(engine: Arc<Engine>, epoch: Option<u64>, lease: Option<u64>, timed: bool) -> Self {
        Self { engine, epoch, lease, started: timed.then(Instant::now) }
    }

    /// The epoch that admitted the call; its outcome changes nothing in another one.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The call's outcome.
    pub fn settle(mut self, outcome: Outcome) {
        if let Some(epoch) = self.epoch.take() {
            let took = self.started.filter(|_| self.engine.wants_duration()).map(|started| started.elapsed());
            self.engine.settle(epoch, self.lease, &outcome, took);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(epoch) = self.epoch.take() else { return };
        let ran = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        if std::thread::panicking() {
            self.engine.settle(epoch, self.lease, &Outcome::failure(FailureKind::Unknown), Some(ran));
        } else if self.engine.abandoned(ran) {
            self.engine.counters.add(counter::ABANDONED);
            self.engine.settle(epoch, self.lease, &Outcome::failure(FailureKind::Timeout), Some(ran));
        } else {
            self.engine.give_back(epoch, self.lease);
        }
    }
}
