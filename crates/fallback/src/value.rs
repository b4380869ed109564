//! Steps that always have an answer: a value, or a function of what went wrong.

use std::fmt;

use mainstay_core::{Name, Replay};

use crate::{
    Answers, Asked, Begun, Cause, Chain, Or, StepState,
    chain::{Leaf, hand_out},
};

/// The step that answers with a clone of one value; see [`value`].
///
/// It has no `or`: nothing after it would ever be asked.
pub struct Value<V> {
    value: V,
    state: StepState,
}

/// The step that answers with a function of the failure; see [`value_from`].
pub struct ValueFrom<Res> {
    make: Box<OfCause<Res>>,
    state: StepState,
}

/// The step that answers with a function of the request and the failure; see [`value_fn`].
pub struct ValueFn<Req, Res> {
    make: Box<OfRequest<Req, Res>>,
    state: StepState,
}

type OfCause<Res> = dyn Fn(Cause<'_, Res>) -> Res + Send + Sync;
type OfRequest<Req, Res> = dyn Fn(&Req, Cause<'_, Res>) -> Res + Send + Sync;

/// A step named `value` that answers with a clone of this; anything that converts into the response will do.
///
/// Needs nothing of the request.
pub fn value<V>(value: V) -> Value<V> {
    Value { value, state: StepState::new(Name::literal("value")) }
}

/// A step named `value` that answers with a function of what went wrong: the error, or the response that the
/// policy counts as a failure.
///
/// Needs nothing of the request.
pub fn value_from<Res>(make: impl Fn(Cause<'_, Res>) -> Res + Send + Sync + 'static) -> ValueFrom<Res> {
    ValueFrom { make: Box::new(make), state: StepState::new(Name::literal("value")) }
}

/// A step named `value` that answers with a function of the request and of what went wrong.
///
/// Needs a copy of the request: every call makes one ([`Replay`]), and the step is skipped for requests that cannot be
/// copied. [`value_from`] does without.
pub fn value_fn<Req, Res>(make: impl Fn(&Req, Cause<'_, Res>) -> Res + Send + Sync + 'static) -> ValueFn<Req, Res> {
    ValueFn { make: Box::new(make), state: StepState::new(Name::literal("value")) }
}

// === impl Value ===

impl<V> Value<V> {
    /// With another name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }
}

impl<V> Leaf for Value<V> {
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

    fn begin(&self, _: usize, (): &(), _: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        Begun::Answer(self.value.clone().into(), None)
    }
}

impl<V> fmt::Debug for Value<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Value").field(self.state.name()).finish()
    }
}

// === impl ValueFrom ===

impl<Res> ValueFrom<Res> {
    /// With another name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }
}

impl<Res> Leaf for ValueFrom<Res> {
    const NEEDS_REQUEST: bool = false;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E: 'static, P> Answers<Req, Res, E, P> for ValueFrom<Res> {
    type Kept = ();

    fn keep(&self, _: &P, _: &Req, _: bool) {}

    fn begin(&self, _: usize, (): &(), asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        Begun::Answer((self.make)(asked.cause()), None)
    }
}

impl<Res> fmt::Debug for ValueFrom<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueFrom").field(self.state.name()).finish()
    }
}

// === impl ValueFn ===

impl<Req, Res> ValueFn<Req, Res> {
    /// With another name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// And for requests that cannot be copied, this.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<Req, Res> Leaf for ValueFn<Req, Res> {
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
    type Kept = Option<Req>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Option<Req> {
        if copied { None } else { policy.replay(request) }
    }

    fn copy(kept: &mut Option<Req>) -> Option<&mut Option<Req>> {
        Some(kept)
    }

    fn hand_out(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
        hand_out(policy, copy, last)
    }

    fn begin(&self, _: usize, _: &Option<Req>, asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        match asked.request {
            Some(ref request) => Begun::Answer((self.make)(request, asked.cause()), None),
            None => Begun::Nothing("the request cannot be repeated"),
        }
    }
}

impl<Req, Res> fmt::Debug for ValueFn<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueFn").field(self.state.name()).finish()
    }
}
