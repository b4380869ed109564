//! A new layer over a new probe, and the steps from which the rules are built.

use std::{any::Any, future::poll_fn, panic::AssertUnwindSafe, pin::Pin, task::Poll, time::Duration};

use tokio::time::timeout;
use tower_service::Service;

use super::{
    Expect, Probe, Request, Subject, Wakes,
    box_service::{BoxService, Call},
    drive, run_until_idle,
};
use crate::BoxError;

/// Creates the harnesses of one rule.
pub(super) struct Setup<'a, L> {
    pub(super) make: &'a dyn Fn() -> L,
    pub(super) expect: &'a Expect<L>,
}

pub(super) struct Harness<'a, L> {
    pub(super) layer: L,
    pub(super) probe: Probe,
    pub(super) expect: &'a Expect<L>,
}

/// The result of a check; the error describes what is wrong.
pub(super) type RuleResult<T = ()> = Result<T, String>;

// === impl Setup ===

impl<L: Subject> Setup<'_, L> {
    pub(super) fn harness(&self) -> Harness<'_, L> {
        Harness { layer: (self.make)(), probe: Probe::recording(), expect: self.expect }
    }
}

// === impl Harness ===

impl<L: Subject> Harness<'_, L> {
    pub(super) fn service(&self) -> BoxService {
        BoxService::new(self.layer.layer(self.probe.clone()))
    }

    /// Makes the layer refuse while the guard lives.
    pub(super) fn refuse(&self) -> Option<Box<dyn Any>> {
        self.expect.refusing.as_ref().map(|refuse| refuse(&self.layer))
    }

    /// Drives the future to its end, within the expected timeout.
    pub(super) async fn end<F: Future>(&self, what: &str, future: F) -> RuleResult<F::Output> {
        drive(self.expect.timeout, future).await.map_err(|stuck| format!("{what} {stuck}"))
    }

    pub(super) async fn ready(&self, service: &mut BoxService) -> RuleResult<Result<(), BoxError>> {
        self.end("`poll_ready`", poll_fn(|cx| service.poll_ready(cx))).await
    }

    /// Returns a service that was polled ready.
    pub(super) async fn ready_service(&self) -> RuleResult<BoxService> {
        let mut service = self.service();
        match self.ready(&mut service).await? {
            Ok(()) => Ok(service),
            Err(error) => Err(format!("`poll_ready` over a ready service failed: {error}")),
        }
    }

    /// Makes one call.
    pub(super) async fn call(&self, service: &mut BoxService) -> RuleResult<Result<(), BoxError>> {
        self.end("a call", super::call(service, Request::default())).await
    }

    pub(super) fn no_violation(&self) -> RuleResult {
        match self.probe.violations().first() {
            Some(violation) => Err(violation.clone()),
            None => Ok(()),
        }
    }

    /// Checks that nothing of the inner service is held, also by the layer's own gauges.
    pub(super) async fn at_rest(&self) -> RuleResult {
        run_until_idle().await;
        self.no_violation()?;
        match (self.probe.live(), self.probe.reserved()) {
            (0, 0) => {}
            (0, reserved) => return Err(format!("{reserved} inner instances are still reserved")),
            (live, _) => return Err(format!("{live} inner calls are still alive")),
        }
        match &self.expect.at_rest {
            Some(look) => look(&self.layer),
            None => Ok(()),
        }
    }

    /// Checks that the layer is at rest and that the next call succeeds.
    pub(super) async fn still_works(&self) -> RuleResult {
        self.at_rest().await?;
        self.probe.recover();
        let mut service = self.service();
        match self.call(&mut service).await.map_err(|stuck| format!("afterwards {stuck}"))? {
            Ok(()) => {}
            Err(error) => return Err(format!("afterwards a call over a working service fails: {error}")),
        }
        drop(service);
        self.at_rest().await
    }
}

/// Polls the call as this task until it is done, or pending and not woken.
pub(super) async fn poll_until_still(task: &Wakes, call: &mut Call) -> RuleResult<Poll<Result<(), BoxError>>> {
    until_still(task, |cx| call.as_mut().poll(cx)).await
}

/// Polls readiness as this task until it is done, or pending and not woken.
pub(super) async fn ready_until_still(
    task: &Wakes,
    service: &mut BoxService,
) -> RuleResult<Poll<Result<(), BoxError>>> {
    until_still(task, |cx| service.poll_ready(cx)).await
}

async fn until_still<T>(
    task: &Wakes,
    mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>,
) -> RuleResult<Poll<T>> {
    for _ in 0..64 {
        let _earlier = task.take();
        if let Poll::Ready(done) = task.context(&mut poll) {
            return Ok(Poll::Ready(done));
        }
        // Lets other tasks wake this one, and renews tokio's cooperative budget.
        tokio::task::yield_now().await;
        if task.take() == 0 {
            return Ok(Poll::Pending);
        }
    }
    Err("a pending future wakes itself without end".into())
}

/// Polls a call whenever it is woken, at most `polls` times. Returns whether it ended, also by a panic.
pub(super) async fn poll_at_most(polls: usize, limit: Duration, call: &mut Call) -> bool {
    let mut left = polls;
    let limited = poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match catch(|| call.as_mut().poll(cx)) {
            Some(Poll::Pending) if left == 0 => Poll::Ready(false),
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(_)) | None => Poll::Ready(true),
        }
    });
    timeout(limit, limited).await.unwrap_or(true)
}

/// Drives a call to its end. Returns `None` after a panic.
pub(super) async fn caught(mut call: Call) -> Option<Result<(), BoxError>> {
    poll_fn(move |cx| match catch(|| Pin::new(&mut call).poll(cx)) {
        Some(poll) => poll.map(Some),
        None => Poll::Ready(None),
    })
    .await
}

/// Returns `None` after a panic.
pub(super) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).ok()
}
