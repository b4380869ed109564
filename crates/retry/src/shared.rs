//! The state that all clones of a service and all their requests share.

use std::sync::{Mutex, PoisonError};

use mainstay_core::{AttemptQuota, Classify, Contextual, Rejected, Replay};

use crate::{
    Retrier, StopReason,
    context_use::ContextUse,
    request_state::{ReplayCopy, RequestState},
};

/// The handle, the policy, and a template of the service.
///
/// A retry needs a service of its own after `call` has returned. Cloning the service for every request would update
/// every reference count of the stack below each time. A request clones only the `Arc` of this struct, and a retry
/// clones the template. The lock makes a service usable that is not `Sync`; only retries take it.
pub(crate) struct Shared<S, P> {
    pub(crate) retrier: Retrier,
    pub(crate) policy: P,
    pub(crate) context_use: ContextUse,
    template: Mutex<S>,
}

// === impl Shared ===

impl<S, P> Shared<S, P> {
    pub(crate) fn new(retrier: Retrier, policy: P, template: S) -> Self {
        Self { retrier, policy, context_use: ContextUse::default(), template: Mutex::new(template) }
    }

    /// Returns a fresh clone of the service, not yet ready.
    pub(crate) fn service(&self) -> S
    where
        S: Clone,
    {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Discards the error of the attempt that is retried.
    pub(crate) fn discard_previous<Res, E>(&self, previous: Option<E>)
    where
        P: Classify<Res, E>,
    {
        if let Some(error) = previous {
            self.policy.discard(Err(error));
        }
    }

    /// Records that the deadline passed before the retry was sent. Returns the original error, or a rejection if the
    /// original result was a response, which is discarded already.
    pub(crate) fn deadline_passed<E: From<Rejected>>(&self, state: &RequestState, previous: Option<E>) -> E {
        let rejected = self.retrier.deadline_passed(state);
        previous.unwrap_or_else(|| rejected.into())
    }

    /// Makes the copy for a second attempt, if there can be one, and sets the context of the first attempt.
    #[inline]
    pub(crate) fn prepare<Req>(
        &self,
        req: &mut Req,
        state: &mut RequestState,
    ) -> (ReplayCopy<P::Kept>, Option<AttemptQuota>)
    where
        P: Replay<Req> + Contextual<Req>,
    {
        let context = self.policy.context(req);
        if context.is_some_and(|context| context.do_not_retry) {
            return (ReplayCopy::Unavailable(StopReason::DoNotRetry), None);
        }
        let has_context = context.is_some();
        let mut attempt_quota = context.and_then(|context| context.attempt_quota.clone());
        if let Some(quota) = &attempt_quota {
            quota.note_use();
        }
        if attempt_quota.as_ref().is_some_and(|quota| quota.left() == 0) {
            return (ReplayCopy::Unavailable(StopReason::AttemptQuota), attempt_quota);
        }
        let copy = self.copy(req, state);
        if !matches!(copy, ReplayCopy::Available(_)) || !self.policy.carries_context() {
            return (copy, attempt_quota);
        }
        if attempt_quota.is_none() {
            let quota = self.retrier.0.live.attempt_quota();
            if quota < state.max_attempts {
                self.retrier.warn_of_quota(state.max_attempts, quota);
            }
            attempt_quota = self.context_use.is_needed().then(|| self.make_quota(state));
        }
        if has_context || attempt_quota.is_some() || state.deadline.is_some() {
            self.put_context(req, state, attempt_quota.as_ref());
        }
        (copy, attempt_quota)
    }

    /// Makes the quota of a request, of which the first attempt takes one.
    pub(crate) fn make_quota(&self, state: &mut RequestState) -> AttemptQuota {
        let attempt_quota = AttemptQuota::new(self.retrier.0.live.attempt_quota());
        let _first = attempt_quota.take();
        state.owns_quota = true;
        attempt_quota
    }

    /// Makes the copy for the attempt after this one. The last attempt gets none.
    #[inline]
    pub(crate) fn copy<Req>(&self, req: &Req, state: &RequestState) -> ReplayCopy<P::Kept>
    where
        P: Replay<Req>,
    {
        if state.is_last_attempt() {
            return ReplayCopy::Unavailable(StopReason::Attempts);
        }
        self.policy.replay(req).map_or(ReplayCopy::Unavailable(StopReason::NotReplayable), ReplayCopy::Available)
    }

    /// Sets the attempt's number, its deadline and the shared quota in the request's context, for the layers below.
    pub(crate) fn put_context<Req>(&self, req: &mut Req, state: &RequestState, attempt_quota: Option<&AttemptQuota>)
    where
        P: Contextual<Req>,
    {
        self.policy.change_context(req, |context| {
            context.attempt = state.attempt;
            context.deadline = state.deadline;
            // Most requests of a second retry layer have the same quota already, whose count need not change.
            if context.attempt_quota.as_ref() != attempt_quota {
                context.attempt_quota = attempt_quota.cloned();
            }
        });
    }
}
