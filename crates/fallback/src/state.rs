//! The state of one step that the handle reads and switches.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use mainstay_core::{Counters, Name};

use crate::StepSnapshot;

/// A step's name, switch and counters, shared by the step and the handle.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct StepState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Name,
    on: AtomicBool,
    counters: Counters<3>,
}

/// A function that empties a step's cache.
#[doc(hidden)]
#[derive(Clone)]
pub struct Clear(Arc<dyn Fn() + Send + Sync>);

const ANSWERED: usize = 0;
const FAILED: usize = 1;
const SKIPPED: usize = 2;

// === impl StepState ===

impl StepState {
    pub(crate) fn new(name: Name) -> Self {
        Self(Arc::new(Inner { name, on: AtomicBool::new(true), counters: Counters::shared() }))
    }

    pub(crate) fn name(&self) -> &Name {
        &self.0.name
    }

    /// Whether both are the state of one step.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.on.load(Relaxed)
    }

    pub(crate) fn switch(&self, on: bool) {
        self.0.on.store(on, Relaxed);
    }

    pub(crate) fn record_answer(&self) {
        self.0.counters.add(ANSWERED);
    }

    pub(crate) fn record_failure(&self) {
        self.0.counters.add(FAILED);
    }

    pub(crate) fn record_skipped(&self) {
        self.0.counters.add(SKIPPED);
    }

    pub(crate) fn snapshot(&self) -> StepSnapshot {
        let [answered, failed, skipped] = self.0.counters.read();
        StepSnapshot { name: self.0.name.clone(), on: self.is_on(), answered, failed, skipped }
    }
}

// === impl Clear ===

impl Clear {
    #[cfg(feature = "last-good")]
    pub(crate) fn new(clear: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(clear))
    }

    pub(crate) fn run(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clear")
    }
}
