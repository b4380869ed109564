//! Steps in order, as one value whose type knows what they need.
//!
//! What is kept of a request while the inner service works is a property of the chain's type: nothing for values,
//! a key for the last good answer, one copy of the request for all backups together. A list of boxed steps was
//! rejected: it would copy every request for a chain that never looks at it, and ask for `Clone` where nothing is
//! cloned.

use mainstay_core::Replay;

use crate::{Asked, Begun, Clear, StepState};

/// Steps that are tried in order: one step, or several joined with `or`.
///
/// Implemented by the steps of this crate. Your own step implements [`Step`](crate::Step) and enters a chain through
/// [`step`](crate::step).
pub trait Chain: sealed::Sealed {
    /// How many steps there are.
    #[doc(hidden)]
    const LEN: usize;

    /// Whether any of them needs a copy of the request.
    #[doc(hidden)]
    const NEEDS_REQUEST: bool;

    /// Whether any of them wants to see good answers.
    #[doc(hidden)]
    const REMEMBERS: bool;

    /// Whether this one needs a copy of the request.
    #[doc(hidden)]
    fn needs_request(index: usize) -> bool;

    #[doc(hidden)]
    fn state(&self, index: usize) -> &StepState;

    /// What empties the step's memory, if it has one.
    #[doc(hidden)]
    fn clear(&self, index: usize) -> Option<Clear>;
}

/// A [`Chain`] that can answer this request with this response: what the compiler asks of the steps.
#[diagnostic::on_unimplemented(
    message = "the fallback `{Self}` cannot answer `{Req}` with `{Res}`",
    label = "this chain of steps does not fit the service under it",
    note = "a value must be `Clone` and convert into `{Res}`; a backup must take `{Req}`, answer `{Res}`, and be `Clone + Send`; and the policy `{P}` must be able to repeat `{Req}` for steps that need it"
)]
pub trait Answers<Req, Res, E, P>: Chain {
    /// What is kept of the request while the inner service works.
    #[doc(hidden)]
    type Kept;

    /// Keeps it; `copied` says that another step has a copy of the request already.
    #[doc(hidden)]
    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept;

    /// Where the chain's one copy of the request is.
    #[doc(hidden)]
    fn copy(kept: &mut Self::Kept) -> Option<&mut Option<Req>> {
        let _ = kept;
        None
    }

    /// The request for one of its steps: of the copy that was kept, another while later steps need it too.
    #[doc(hidden)]
    fn hand_out(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
        let _ = (policy, copy, last);
        None
    }

    /// A good answer came from the inner service.
    #[doc(hidden)]
    fn remember(&self, kept: Self::Kept, response: &Res) {
        let _ = (kept, response);
    }

    /// Begins the step. What it returns borrows nothing, so that responses need not be `Sync`.
    #[doc(hidden)]
    fn begin(&self, index: usize, kept: &Self::Kept, asked: Asked<'_, Req, Res, E, P>) -> Begun<Res>;
}

/// Two steps or chains in order, made by their `or` methods.
#[derive(Debug)]
pub struct Or<A, B> {
    first: A,
    then: B,
}

/// A chain of one.
pub(crate) trait Leaf {
    const NEEDS_REQUEST: bool;
    const REMEMBERS: bool = false;

    fn state(&self) -> &StepState;

    fn clear(&self) -> Option<Clear> {
        None
    }
}

mod sealed {
    pub trait Sealed {}

    impl<T: super::Leaf> Sealed for T {}
}

// === impl Leaf ===

impl<T: Leaf> Chain for T {
    const LEN: usize = 1;
    const NEEDS_REQUEST: bool = <T as Leaf>::NEEDS_REQUEST;
    const REMEMBERS: bool = <T as Leaf>::REMEMBERS;

    fn needs_request(_: usize) -> bool {
        <T as Leaf>::NEEDS_REQUEST
    }

    fn state(&self, _: usize) -> &StepState {
        Leaf::state(self)
    }

    fn clear(&self, _: usize) -> Option<Clear> {
        Leaf::clear(self)
    }
}

/// What `hand_out` is for steps that need the request. A copy whose body was lost while the original was sent is none.
pub(crate) fn hand_out<Req, P: Replay<Req>>(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
    if !policy.is_intact(copy.as_ref()?) {
        return None;
    }
    if last { copy.take() } else { policy.replay(copy.as_ref()?) }
}

// === impl Or ===

impl<A, B> Or<A, B> {
    pub(crate) fn new(first: A, then: B) -> Self {
        Self { first, then }
    }

    /// And if all of these fail, this.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<A: Chain, B: Chain> sealed::Sealed for Or<A, B> {}

impl<A: Chain, B: Chain> Chain for Or<A, B> {
    const LEN: usize = A::LEN + B::LEN;
    const NEEDS_REQUEST: bool = A::NEEDS_REQUEST || B::NEEDS_REQUEST;
    const REMEMBERS: bool = A::REMEMBERS || B::REMEMBERS;

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

    fn copy((first, then): &mut Self::Kept) -> Option<&mut Option<Req>> {
        if A::NEEDS_REQUEST { A::copy(first) } else { B::copy(then) }
    }

    fn hand_out(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
        if A::NEEDS_REQUEST { A::hand_out(policy, copy, last) } else { B::hand_out(policy, copy, last) }
    }

    fn remember(&self, (first, then): Self::Kept, response: &Res) {
        self.first.remember(first, response);
        self.then.remember(then, response);
    }

    fn begin(&self, index: usize, kept: &Self::Kept, asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        match index.checked_sub(A::LEN) {
            None => self.first.begin(index, &kept.0, asked),
            Some(index) => self.then.begin(index, &kept.1, asked),
        }
    }
}
