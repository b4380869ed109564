//! The copy of a request that a second attempt would send.

use mainstay_core::{Contextual, Replay, RequestCopy};

use crate::{history::History, shared::Shared};

pub(crate) struct ReplayCopy<Req> {
    pub(crate) request: RequestCopy<Req>,
    /// The endpoint that a second attempt would go to when the request was sent: a success pays into its budget.
    pub(crate) target: usize,
}

/// What a further attempt needs if the second one could not be sent: a copy of the request, and where it was sent.
pub(crate) struct Spare<Req> {
    pub(crate) copy: RequestCopy<Req>,
    /// The indices of the endpoints.
    pub(crate) tried: Vec<usize>,
}

// === impl ReplayCopy ===

impl<Req> ReplayCopy<Req> {
    /// Copies a request for this endpoint, if a second attempt is possible at all.
    #[inline]
    pub(crate) fn new<S, P>(shared: &Shared<S, P>, request: &Req, index: usize, history: &History) -> Option<Self>
    where
        P: Replay<Req> + Contextual<Req>,
    {
        let target = shared.board().second_target(index, history)?;
        let context = shared.policy.context(request);
        let is_forbidden = context.is_some_and(|context| {
            context.do_not_retry || context.attempt_quota.as_ref().is_some_and(|quota| quota.left() == 0)
        });
        let request = if is_forbidden { None } else { shared.policy.replay(request) };
        request.map(|request| Self { request, target })
    }
}
