//! Steps that answer at once: with a value, or with a function of the failure.

use std::fmt;

use mainstay_core::{Name, Replay, RequestCopy};

use crate::{
    Answers, Cause, Chain, Or, StepInput, StepStart, StepState,
    chain::{SingleStep, request_for_step},
};

/// A step that answers with a clone of a value; see [`value`].
///
/// It has no `or`: a step after it would never run.
pub struct Value<V> {
    value: V,
    state: StepState,
}

/// A step that answers with a function of the failure; see [`value_from`].
pub struct ValueFrom<Res> {
    make: Box<OfCause<Res>>,
    state: StepState,
}

/// A step that answers with a function of the request and the failure; see [`value_fn`].
pub struct ValueFn<Req, Res> {
    make: Box<OfRequest<Req, Res>>,
    state: StepState,
}

type OfCause<Res> = dyn Fn(Cause<'_, Res>) -> Res + Send + Sync;
type OfRequest<Req, Res> = dyn Fn(&Req, Cause<'_, Res>) -> Res + Send + Sync;

/// Creates a step named `value` that answers with a clone of this value, converted into the response.
///
/// It does not use the request.
pub fn value<V>(value: V) -> Value<V> {
    Value { value, state: StepState::new(Name::literal("value")) }
}

/// Creates a step named `value` that answers with a function of the failure: the error, or the response that the policy
/// classifies as a failure.
///
/// It does not use the request.
pub fn value_from<Res>(make: impl Fn(Cause<'_, Res>) -> Res + Send + Sync + 'static) -> ValueFrom<Res> {
    ValueFrom { make: Box::new(make), state: StepState::new(Name::literal("value")) }
}

/// Creates a step named `value` that answers with a function of the request and the failure.
///
/// It needs a copy of the request: every call makes one ([`Replay`]), and requests that cannot be copied skip the step.
/// [`value_from`] needs no copy.
pub fn value_fn<Req, Res>(make: impl Fn(&Req, Cause<'_, Res>) -> Res + Send + Sync + 'static) -> ValueFn<Req, Res> {
    ValueFn { make: Box::new(make), state: StepState::new(Name::literal("value")) }
}

// === impl Value ===

impl<V> Value<V> {
    /// Sets the name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }
}

impl<V> SingleStep for Value<V> {
    const NEEDS_REQUEST: bool = false;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P, V> Answers<Req, Res, E, P> for Value<V>
where
    V: Clone + Into<Res>,
{
    type Kept = ();

    fn keep(&self, _: &P, _: &Req, _: bool) {}

    fn start(&self, _: usize, (): &(), _: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        StepStart::Answer(self.value.clone().into(), None)
    }
}

impl<V> fmt::Debug for Value<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Value").field(self.state.name()).finish()
    }
}

// === impl ValueFrom ===

impl<Res> ValueFrom<Res> {
    /// Sets the name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }
}

impl<Res> SingleStep for ValueFrom<Res> {
    const NEEDS_REQUEST: bool = false;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E: 'static, P> Answers<Req, Res, E, P> for ValueFrom<Res> {
    type Kept = ();

    fn keep(&self, _: &P, _: &Req, _: bool) {}

    fn start(&self, _: usize, (): &(), input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        StepStart::Answer((self.make)(input.cause()), None)
    }
}

impl<Res> fmt::Debug for ValueFrom<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueFrom").field(self.state.name()).finish()
    }
}

// === impl ValueFn ===

impl<Req, Res> ValueFn<Req, Res> {
    /// Sets the name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// Adds a step for requests that cannot be copied.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<Req, Res> SingleStep for ValueFn<Req, Res> {
    const NEEDS_REQUEST: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P> Answers<Req, Res, E, P> for ValueFn<Req, Res>
where
    E: 'static,
    P: Replay<Req>,
{
    type Kept = Option<RequestCopy<P::Kept>>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept {
        if copied { None } else { policy.replay(request) }
    }

    fn request_for_step(policy: &P, kept: &mut Self::Kept, is_last: bool) -> Option<RequestCopy<Req>> {
        request_for_step(policy, kept, is_last)
    }

    fn start(&self, _: usize, _: &Self::Kept, input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        match input.request {
            Some(ref copy) => StepStart::Answer((self.make)(copy.request(), input.cause()), None),
            None => StepStart::Skipped("the request cannot be copied"),
        }
    }
}

impl<Req, Res> fmt::Debug for ValueFn<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueFn").field(self.state.name()).finish()
    }
}
