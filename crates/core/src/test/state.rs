//! The state that all clones of a probe share: the script, the counts and the wakers.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use super::Request;

/// The result of `poll_ready` of a [`Probe`](super::Probe).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// Ready at once, if the capacity allows.
    #[default]
    Ready,
    /// Pending until the readiness changes.
    Pending,
    /// An error.
    Fail,
}

/// The reply to a call of a [`Probe`](super::Probe).
#[derive(Clone, Debug, Default)]
pub enum Reply {
    /// Answers with the number of the call.
    #[default]
    Count,
    /// Answers with this value.
    Answer(u64),
    /// Fails with [`ProbeError::Failed`](super::ProbeError::Failed).
    Fail,
    /// Never ends.
    Hang,
    /// Ends, with the number of the call, once [`Probe::release`](super::Probe::release) is called.
    Hold,
    /// Panics in the future.
    Panic,
    /// Panics in `call`.
    PanicInCall,
    /// Sleeps, then gives the other reply.
    After(Duration, Box<Self>),
}

pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) strict: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) readiness: Readiness,
    pub(super) replies: VecDeque<Reply>,
    pub(super) always: Reply,
    pub(super) capacity: Option<usize>,
    pub(super) reserved: usize,
    pub(super) live: usize,
    pub(super) instances: usize,
    pub(super) calls: u64,
    pub(super) ready_polls: u64,
    pub(super) releases: u64,
    pub(super) requests: Vec<Request>,
    pub(super) violations: Vec<String>,
    next_key: u64,
    /// The last waker of each waiting instance or future. A service may drop all earlier wakers.
    wakers: HashMap<u64, Waker>,
}

// === impl Reply ===

impl Reply {
    /// Delays the reply.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self::After(wait, Box::new(self))
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(strict: bool) -> Self {
        Self { state: Mutex::default(), strict }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes all waiting tasks.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let out = change(&mut state);
        let wakers = mem::take(&mut state.wakers);
        drop(state);
        wakers.into_values().for_each(Waker::wake);
        out
    }

    /// Records a violation of the contract, or panics.
    pub(super) fn violation(&self, what: String) {
        assert!(!self.strict, "{what}");
        self.lock().violations.push(what);
    }
}

// === impl State ===

impl State {
    pub(super) fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    pub(super) fn has_room(&self) -> bool {
        self.capacity.is_none_or(|capacity| self.reserved + self.live < capacity)
    }

    pub(super) fn park(&mut self, key: u64, waker: &Waker) {
        self.wakers.insert(key, waker.clone());
    }

    pub(super) fn unpark(&mut self, key: u64) {
        self.wakers.remove(&key);
    }
}
