//! What a service and its futures share.

use std::sync::{Mutex, PoisonError};

use mainstay_core::{Contextual, Replay};

use crate::{FailoverHandle, router::Router};

pub(crate) struct Shared<S, P> {
    pub(crate) handle: FailoverHandle,
    pub(crate) policy: P,
    /// Clean copies for second attempts and for those that lost their readiness. Locked for a clone, off the happy path.
    templates: Vec<Mutex<S>>,
}

/// What a second attempt would send, and where it would go by now: the target's budget is what successes pay into.
pub(crate) struct Spare<Req> {
    pub(crate) copy: Req,
    pub(crate) target: usize,
}

// === impl Shared ===

impl<S, P> Shared<S, P> {
    pub(crate) fn new(handle: FailoverHandle, policy: P, services: &[S]) -> Self
    where
        S: Clone,
    {
        Self { handle, policy, templates: services.iter().cloned().map(Mutex::new).collect() }
    }

    #[inline]
    pub(crate) fn router(&self) -> &Router {
        &self.handle.0
    }

    /// A clean copy of an endpoint's service.
    pub(crate) fn template(&self, index: usize) -> S
    where
        S: Clone,
    {
        self.templates[index].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many endpoints there are.
    pub(crate) fn len(&self) -> usize {
        self.templates.len()
    }

    /// A copy of the request, if a second attempt is possible at all.
    #[inline]
    pub(crate) fn spare<Req>(&self, request: &Req, index: usize) -> Option<Spare<Req>>
    where
        P: Replay<Req> + Contextual<Req>,
    {
        let target = self.router().second(index)?;
        let context = self.policy.context(request);
        let forbidden = context.is_some_and(|context| {
            context.do_not_retry
                || context.attempt_quota.as_ref().is_some_and(|attempt_quota| attempt_quota.left() == 0)
        });
        let copy = if forbidden { None } else { self.policy.replay(request) };
        copy.map(|copy| Spare { copy, target })
    }
}

#[cfg(test)]
mod held_locks;
