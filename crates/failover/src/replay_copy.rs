//! The copy of a request that a second attempt would send.

use mainstay_core::{Contextual, Replay, RequestCopy};
use tokio::time::Instant;

use crate::{history::History, shared::Shared};

/// `K` is the form in which the policy keeps the request.
pub(crate) struct ReplayCopy<K> {
    pub(crate) request: RequestCopy<K>,
    /// The endpoint that a second attempt would go to when the request was sent: a success pays into its budget.
    pub(crate) target: usize,
    /// The deadline in the request's context.
    pub(crate) deadline: Option<Instant>,
    /// Whether the request's context has an attempt quota, which is that of its history.
    pub(crate) has_quota: bool,
}

/// What a further attempt needs if the second one could not be sent: a copy of the request, and where it was sent.
pub(crate) struct Spare<K> {
    pub(crate) copy: RequestCopy<K>,
    /// The deadline in the request's context.
    pub(crate) deadline: Option<Instant>,
    /// The indices of the endpoints.
    pub(crate) tried: Vec<usize>,
}

// === impl ReplayCopy ===

impl<K> ReplayCopy<K> {
    /// Copies a request for this endpoint, if a second attempt is possible at all.
    #[inline]
    pub(crate) fn new<S, P, Req>(shared: &Shared<S, P>, request: &Req, index: usize, history: &History) -> Option<Self>
    where
        P: Replay<Req, Kept = K> + Contextual<Req>,
    {
        let target = shared.board().second_target(index, history)?;
        let (mut deadline, mut has_quota) = (None, false);
        if let Some(context) = shared.policy.context(request) {
            let quota = context.attempt_quota.as_ref();
            if context.do_not_retry || quota.is_some_and(|quota| quota.left() == 0) {
                return None;
            }
            (deadline, has_quota) = (context.deadline, quota.is_some());
        }
        let request = shared.policy.replay(request)?;
        Some(Self { request, target, deadline, has_quota })
    }
}
