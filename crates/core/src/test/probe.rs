//! A scripted service that checks how it is used.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    Answer, ProbeError, ProbeFuture, Readiness, Reply, Request,
    state::{Shared, State},
};

/// A scripted service, and the handle that scripts it. All clones share one script and one set of counts; each clone has
/// its own readiness.
///
/// Readiness is a reservation, as in `ConcurrencyLimit` or `Buffer`: an instance that was polled ready holds it until it
/// is called or dropped, clones do not inherit it, and it counts against the [capacity](Self::set_capacity). A `call` on
/// an instance that was not polled ready violates the Tower contract: it panics, or is recorded ([`Probe::recording`]).
///
/// In contrast to `tower-test`'s mock, the probe needs no second task that answers each request.
pub struct Probe {
    shared: Arc<Shared>,
    key: u64,
    reserved: bool,
}

// === impl Probe ===

impl Probe {
    /// Creates a probe that is ready, answers each call with its number, and panics on violations.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Arc::new(Shared::new(true)))
    }

    /// Creates a probe that records violations for [`violations`](Self::violations) instead of panicking.
    #[must_use]
    pub fn recording() -> Self {
        Self::over(Arc::new(Shared::new(false)))
    }

    fn over(shared: Arc<Shared>) -> Self {
        let mut state = shared.lock();
        state.instances += 1;
        let key = state.key();
        drop(state);
        Self { shared, key, reserved: false }
    }

    /// Appends a reply for one call.
    pub fn then(&self, reply: Reply) {
        self.shared.lock().replies.push_back(reply);
    }

    /// Sets the reply for all calls after the replies of [`then`](Self::then).
    pub fn always(&self, reply: Reply) {
        self.shared.lock().always = reply;
    }

    /// Sets the result of `poll_ready`, and wakes all waiting tasks.
    pub fn set_readiness(&self, readiness: Readiness) {
        self.shared.change(|state| state.readiness = readiness);
    }

    /// Sets the limit of concurrent reserved and running calls; `None` for no limit.
    pub fn set_capacity(&self, capacity: impl Into<Option<usize>>) {
        let capacity = capacity.into();
        self.shared.change(|state| state.capacity = capacity);
    }

    /// Ends all calls that are [held](Reply::Hold) now.
    pub fn release(&self) {
        self.shared.change(|state| state.releases += 1);
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.lock().calls
    }

    /// Returns the requests of all calls.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Returns the number of polls of `poll_ready`.
    #[must_use]
    pub fn ready_polls(&self) -> u64 {
        self.shared.lock().ready_polls
    }

    /// Returns the number of instances that were polled ready and not yet called or dropped.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.shared.lock().reserved
    }

    /// Returns the number of futures that are neither done nor dropped.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.lock().live
    }

    /// Returns the number of live clones, including this one.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.shared.lock().instances
    }

    /// Returns the violations that a [recording](Self::recording) probe has seen.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    /// Resets the script: ready, without a limit, and answering each call.
    pub(super) fn recover(&self) {
        self.shared.change(|state| {
            state.readiness = Readiness::Ready;
            state.capacity = None;
            state.replies.clear();
            state.always = Reply::Count;
        });
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.reserved) {
            self.shared.change(|state| state.reserved -= 1);
        }
    }
}

impl Service<Request> for Probe {
    type Response = Answer;
    type Error = ProbeError;
    type Future = ProbeFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProbeError>> {
        let mut state = self.shared.lock();
        let State { readiness, .. } = *state;
        state.ready_polls += 1;
        match readiness {
            Readiness::Fail => {
                drop(state);
                self.give_back();
                Poll::Ready(Err(ProbeError::NotReady))
            }
            // A reservation stays valid: readiness must not be withdrawn.
            _ if self.reserved => Poll::Ready(Ok(())),
            Readiness::Ready if state.has_room() => {
                state.reserved += 1;
                self.reserved = true;
                Poll::Ready(Ok(()))
            }
            _ => {
                state.park(self.key, cx.waker());
                Poll::Pending
            }
        }
    }

    fn call(&mut self, request: Request) -> ProbeFuture {
        if !self.reserved {
            self.shared.violation(format!("`call` of request {} on an instance that was not polled ready", request.id));
        }
        let mut state = self.shared.lock();
        // Moves the reservation to the call under one lock, so that no other call can take its place.
        if std::mem::take(&mut self.reserved) {
            state.reserved -= 1;
        }
        state.calls += 1;
        state.live += 1;
        state.requests.push(request);
        let number = state.calls;
        let reply = state.replies.pop_front().unwrap_or_else(|| state.always.clone());
        let (key, releases) = (state.key(), state.releases);
        drop(state);
        ProbeFuture::start(self.shared.clone(), key, reply, number, releases)
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self::over(self.shared.clone())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.give_back();
        let mut state = self.shared.lock();
        state.unpark(self.key);
        state.instances -= 1;
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Probe")
            .field("calls", &state.calls)
            .field("live", &state.live)
            .field("reserved", &state.reserved)
            .field("violations", &state.violations)
            .finish_non_exhaustive()
    }
}
