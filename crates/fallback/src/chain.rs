//! A chain of steps, as one value whose type states what the steps need.
//!
//! The part of a request that is kept during the inner call is a property of the chain's type: nothing for values, a key
//! for the last good answer, one copy of the request for all backups together. A list of boxed steps was rejected: it
//! would copy every request, and require `Clone`, even for chains that do not use the request.

use mainstay_core::{Replay, RequestCopy};

use crate::{Clear, StepInput, StepStart, StepState};

/// Steps that are tried in order: one step, or several joined with `or`.
///
/// Implemented by the steps of this crate. A custom step implements [`Step`](crate::Step) and joins a chain through
/// [`step`](crate::step).
pub trait Chain: sealed::Sealed {
    /// The number of steps.
    #[doc(hidden)]
    const LEN: usize;

    /// Whether a step needs a copy of the request.
    #[doc(hidden)]
    const NEEDS_REQUEST: bool;

    /// Whether a step caches good answers.
    #[doc(hidden)]
    const CACHES_ANSWERS: bool;

    /// Whether the step at this index needs a copy of the request.
    #[doc(hidden)]
    fn needs_request(index: usize) -> bool;

    #[doc(hidden)]
    fn state(&self, index: usize) -> &StepState;

    /// Returns the function that empties the step's cache, if it has one.
    #[doc(hidden)]
    fn clear(&self, index: usize) -> Option<Clear>;
}

/// A [`Chain`] that can answer this request with this response.
#[diagnostic::on_unimplemented(
    message = "the fallback `{Self}` cannot answer `{Req}` with `{Res}`",
    label = "this chain of steps does not fit the service under it",
    note = "a value must be `Clone` and convert into `{Res}`; a backup must take `{Req}`, answer `{Res}`, and be `Clone + Send`; and the policy `{P}` must be able to repeat `{Req}` for steps that need it"
)]
pub trait Answers<Req, Res, E, P>: Chain {
    /// The part of the request that is kept during the inner call.
    #[doc(hidden)]
    type Kept;

    /// Keeps that part. `copied`: another step has a copy of the request already.
    #[doc(hidden)]
    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept;

    /// Returns the request for a step: the kept copy if this is the last step that needs it, otherwise another copy.
    #[doc(hidden)]
    fn request_for_step(policy: &P, kept: &mut Self::Kept, is_last: bool) -> Option<RequestCopy<Req>> {
        let _ = (policy, kept, is_last);
        None
    }

    /// Caches a good answer of the inner service, or begins to, and returns it.
    #[doc(hidden)]
    fn cache_answer(&self, kept: Self::Kept, response: Res) -> Res {
        let _ = kept;
        response
    }

    /// Starts the step. The result borrows nothing, so that responses need not be `Sync`.
    #[doc(hidden)]
    fn start(&self, index: usize, kept: &Self::Kept, input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res>;
}

/// Two steps or chains in order, made by an `or` method.
#[derive(Debug)]
pub struct Or<A, B> {
    first: A,
    then: B,
}

/// A chain of one step.
pub(crate) trait SingleStep {
    const NEEDS_REQUEST: bool;
    const CACHES_ANSWERS: bool = false;

    fn state(&self) -> &StepState;

    fn clear(&self) -> Option<Clear> {
        None
    }
}

mod sealed {
    pub trait Sealed {}

    impl<T: super::SingleStep> Sealed for T {}
}

// === impl SingleStep ===

impl<T: SingleStep> Chain for T {
    const LEN: usize = 1;
    const NEEDS_REQUEST: bool = <T as SingleStep>::NEEDS_REQUEST;
    const CACHES_ANSWERS: bool = <T as SingleStep>::CACHES_ANSWERS;

    fn needs_request(_: usize) -> bool {
        <T as SingleStep>::NEEDS_REQUEST
    }

    fn state(&self, _: usize) -> &StepState {
        SingleStep::state(self)
    }

    fn clear(&self, _: usize) -> Option<Clear> {
        SingleStep::clear(self)
    }
}

/// Implements `request_for_step` for steps that need the request. Returns `None` if the copy is no longer intact, because
/// its body was lost while the original was sent.
pub(crate) fn request_for_step<Req, P: Replay<Req>>(
    policy: &P,
    kept: &mut Option<RequestCopy<P::Kept>>,
    is_last: bool,
) -> Option<RequestCopy<Req>> {
    let copy = kept.take_if(|copy| policy.is_intact(copy.request()))?.map(Into::into);
    if !is_last {
        *kept = policy.replay(copy.request());
    }
    Some(copy)
}

// === impl Or ===

impl<A, B> Or<A, B> {
    pub(crate) fn new(first: A, then: B) -> Self {
        Self { first, then }
    }

    /// Adds a step that runs if all of these fail.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<A: Chain, B: Chain> sealed::Sealed for Or<A, B> {}

impl<A: Chain, B: Chain> Chain for Or<A, B> {
    const LEN: usize = A::LEN + B::LEN;
    const NEEDS_REQUEST: bool = A::NEEDS_REQUEST || B::NEEDS_REQUEST;
    const CACHES_ANSWERS: bool = A::CACHES_ANSWERS || B::CACHES_ANSWERS;

    fn needs_request(index: usize) -> bool {
        match index.checked_sub(A::LEN) {
            None => A::needs_request(index),
            Some(index) => B::needs_request(index),
        }
    }

    fn state(&self, index: usize) -> &StepState {
        match index.checked_sub(A::LEN) {
            None => self.first.state(index),
            Some(index) => self.then.state(index),
        }
    }

    fn clear(&self, index: usize) -> Option<Clear> {
        match index.checked_sub(A::LEN) {
            None => self.first.clear(index),
            Some(index) => self.then.clear(index),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P, A, B> Answers<Req, Res, E, P> for Or<A, B>
where
    A: Answers<Req, Res, E, P>,
    B: Answers<Req, Res, E, P>,
{
    type Kept = (A::Kept, B::Kept);

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept {
        (self.first.keep(policy, request, copied), self.then.keep(policy, request, copied || A::NEEDS_REQUEST))
    }

    fn request_for_step(policy: &P, (first, then): &mut Self::Kept, is_last: bool) -> Option<RequestCopy<Req>> {
        if A::NEEDS_REQUEST {
            A::request_for_step(policy, first, is_last)
        } else {
            B::request_for_step(policy, then, is_last)
        }
    }

    fn cache_answer(&self, (first, then): Self::Kept, response: Res) -> Res {
        let response = self.first.cache_answer(first, response);
        self.then.cache_answer(then, response)
    }

    fn start(&self, index: usize, kept: &Self::Kept, input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        match index.checked_sub(A::LEN) {
            None => self.first.start(index, &kept.0, input),
            Some(index) => self.then.start(index, &kept.1, input),
        }
    }
}
