//! One call's way through the steps: the algorithm, for the service and for plain async code alike.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::{Classify, Degraded, Mark, Outcome};

use crate::{Answers, Asked, Begun, Fallbacks, StepState, Working};

/// The steps that are tried, and what they need of their surroundings.
pub(crate) struct Steps<'a, C, P> {
    pub(crate) chain: &'a C,
    pub(crate) policy: &'a P,
    pub(crate) handle: &'a Fallbacks,
}

/// How far one call has come.
pub(crate) struct Walk<Res, E, K> {
    /// What the inner service gave: the caller gets it if every step fails. `None` once the walk has ended.
    original: Option<Result<Res, E>>,
    /// The verdict on it.
    outcome: Outcome,
    kept: K,
    /// The step that comes next; the one before it is the one at work.
    next: usize,
    working: Option<Working<Res>>,
}

/// What becomes of the inner service's result.
pub(crate) enum Settled<Res, E, K> {
    /// It is the caller's.
    Done(Result<Res, E>),
    /// The steps are to answer.
    Walk(Walk<Res, E, K>),
}

// === impl Walk ===

impl<Res, E, K> Walk<Res, E, K> {
    pub(crate) fn poll<Req, C, P>(&mut self, cx: &mut Context<'_>, steps: &Steps<'_, C, P>) -> Poll<Result<Res, E>>
    where
        C: Answers<Req, Res, E, P, Kept = K>,
        P: Classify<Res, E> + Mark<Res>,
    {
        loop {
            if let Some(working) = &mut self.working {
                let result = ready!(working.future.as_mut().poll(cx));
                let judged = working.judged;
                self.working = None;
                let step = steps.chain.state(self.next - 1);
                match result {
                    Ok(response) if judged && steps.is_failure(&response) => {
                        steps.policy.discard(Ok(response));
                        steps.handle.failed(step, &"it answered with a failure");
                    }
                    Ok(response) => return self.answer(steps, step, response, None),
                    Err(error) => steps.handle.failed(step, &error),
                }
            }
            let Some(original) = &self.original else {
                // Polled after the end.
                return Poll::Pending;
            };
            if self.next == C::LEN {
                steps.handle.exhausted();
                return self.original.take().map_or(Poll::Pending, Poll::Ready);
            }
            let index = self.next;
            self.next += 1;
            let step = steps.chain.state(index);
            if !step.is_on() {
                continue;
            }
            let last = !(self.next..C::LEN).any(C::needs_request);
            let copy = if C::needs_request(index) { C::copy(&mut self.kept) } else { None };
            let request = copy.and_then(|copy| C::hand_out(steps.policy, copy, last));
            let asked = Asked { request, outcome: self.outcome, result: original.as_ref(), policy: steps.policy };
            match steps.chain.begin(index, &self.kept, asked) {
                Begun::Answer(response, age) => return self.answer(steps, step, response, age),
                Begun::Working(working) => self.working = Some(working),
                Begun::Nothing(why) => steps.handle.skipped(step, why),
            }
        }
    }

    /// A step answered: marks and counts it, and lets go of what the inner service gave.
    fn answer<C, P>(
        &mut self,
        steps: &Steps<'_, C, P>,
        step: &StepState,
        mut response: Res,
        age: Option<Duration>,
    ) -> Poll<Result<Res, E>>
    where
        P: Classify<Res, E> + Mark<Res>,
    {
        if let Some(original) = self.original.take() {
            steps.policy.discard(original);
        }
        steps.handle.answered(step);
        steps.policy.mark(&mut response, &Degraded { step: step.name().clone(), age });
        Poll::Ready(Ok(response))
    }
}

// === impl Steps ===

impl<C, P> Steps<'_, C, P> {
    /// What the inner service gave: the caller's at once (and remembered, if it is good), or for the steps to answer.
    pub(crate) fn settle<Req, Res, E>(
        &self,
        result: Result<Res, E>,
        outcome: Outcome,
        kept: C::Kept,
    ) -> Settled<Res, E, C::Kept>
    where
        C: Answers<Req, Res, E, P>,
    {
        if outcome.is_success() {
            if let Ok(response) = &result {
                self.chain.remember(kept, response);
            }
            self.handle.good();
            return Settled::Done(result);
        }
        if self.handle.covers(outcome.class()) {
            Settled::Walk(self.walk(result, outcome, kept))
        } else {
            Settled::Done(result)
        }
    }

    /// The way through the steps, from its beginning.
    pub(crate) fn walk<Res, E, K>(&self, original: Result<Res, E>, outcome: Outcome, kept: K) -> Walk<Res, E, K> {
        self.handle.needed();
        Walk { original: Some(original), outcome, kept, next: 0, working: None }
    }

    fn is_failure<Res, E>(&self, response: &Res) -> bool
    where
        P: Classify<Res, E>,
    {
        self.handle.covers(self.policy.classify(Ok(response)).class())
    }
}
