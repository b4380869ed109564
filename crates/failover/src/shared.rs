//! What a service and its futures share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{handle::FailoverHandle, switchboard::Switchboard};

pub(crate) struct Shared<S, P> {
    pub(crate) handle: FailoverHandle,
    pub(crate) policy: P,
    /// One service for each endpoint, never polled. Locked for a clone, off the happy path.
    pub(crate) clean: Vec<Mutex<S>>,
}

// === impl Shared ===

impl<S, P> Shared<S, P> {
    pub(crate) fn new(handle: FailoverHandle, policy: P, services: &[S]) -> Self
    where
        S: Clone,
    {
        Self { handle, policy, clean: services.iter().cloned().map(Mutex::new).collect() }
    }

    #[inline]
    pub(crate) fn board(&self) -> &Arc<Switchboard> {
        &self.handle.board
    }

    /// Returns a clone of an endpoint's service that holds no readiness.
    pub(crate) fn clean_clone(&self, index: usize) -> S
    where
        S: Clone,
    {
        self.clean[index].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how many endpoints there are.
    pub(crate) fn len(&self) -> usize {
        self.clean.len()
    }
}
