//! The execution of a chain of steps for one call. The service and the function form share it.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::{Classify, Degraded, Mark, Outcome};

use crate::{Answers, FallbackHandle, RunningStep, StepInput, StepStart, StepState};

/// The chain, the policy and the handle that an execution uses.
pub(crate) struct Executor<'a, C, P> {
    pub(crate) chain: &'a C,
    pub(crate) policy: &'a P,
    pub(crate) handle: &'a FallbackHandle,
}

/// The execution of the steps for one call.
pub(crate) struct Execution<Res, E, K> {
    /// The inner service's result, which is returned if every step fails. `None` after the execution has ended.
    original: Option<Result<Res, E>>,
    /// The outcome of `original`.
    outcome: Outcome,
    kept: K,
    /// The index of the next step. The running step is the one before it.
    next: usize,
    /// Whether a step has sent the request.
    was_sent: bool,
    running: Option<RunningStep<Res>>,
}

/// The decision on the inner service's result.
pub(crate) enum Decision<Res, E, K> {
    /// The result is returned to the caller.
    Return(Result<Res, E>),
    /// The steps run.
    RunSteps(Execution<Res, E, K>),
}

// === impl Execution ===

impl<Res, E, K> Execution<Res, E, K> {
    pub(crate) fn poll<Req, C, P>(
        &mut self,
        cx: &mut Context<'_>,
        executor: &Executor<'_, C, P>,
    ) -> Poll<Result<Res, E>>
    where
        C: Answers<Req, Res, E, P, Kept = K>,
        P: Classify<Res, E> + Mark<Res>,
    {
        loop {
            if let Some(running) = &mut self.running {
                let result = ready!(running.future.as_mut().poll(cx));
                let is_classified = running.is_classified;
                self.running = None;
                let step = executor.chain.state(self.next - 1);
                match result {
                    Ok(response) if is_classified && executor.is_failure(&response) => {
                        executor.policy.discard(Ok(response));
                        executor.handle.record_step_failure(step, &"the response is a failure");
                    }
                    Ok(response) => return self.answer(executor, step, response, None),
                    Err(error) => executor.handle.record_step_failure(step, &error),
                }
            }
            let Some(original) = &self.original else {
                // Polled again after the end.
                return Poll::Pending;
            };
            if self.next == C::LEN {
                executor.handle.record_exhausted();
                return self.original.take().map_or(Poll::Pending, Poll::Ready);
            }
            let index = self.next;
            self.next += 1;
            let step = executor.chain.state(index);
            if !step.is_on() {
                continue;
            }
            let is_last = !(self.next..C::LEN).any(C::needs_request);
            let request = match C::needs_request(index) {
                true => C::request_for_step(executor.policy, &mut self.kept, is_last),
                false => None,
            };
            let input = StepInput {
                request,
                was_sent: self.was_sent,
                outcome: self.outcome,
                result: original.as_ref(),
                policy: executor.policy,
            };
            match executor.chain.start(index, &self.kept, input) {
                StepStart::Answer(response, age) => return self.answer(executor, step, response, age),
                StepStart::Running(running) => {
                    self.was_sent |= C::needs_request(index);
                    self.running = Some(running);
                }
                StepStart::Skipped(reason) => executor.handle.record_step_skipped(step, reason),
            }
        }
    }

    /// Marks and counts a step's response, and discards the original result.
    fn answer<C, P>(
        &mut self,
        executor: &Executor<'_, C, P>,
        step: &StepState,
        mut response: Res,
        age: Option<Duration>,
    ) -> Poll<Result<Res, E>>
    where
        P: Classify<Res, E> + Mark<Res>,
    {
        if let Some(original) = self.original.take() {
            executor.policy.discard(original);
        }
        executor.handle.record_answer(step);
        executor.policy.mark(&mut response, &Degraded { step: step.name().clone(), age });
        Poll::Ready(Ok(response))
    }
}

// === impl Executor ===

impl<C, P> Executor<'_, C, P> {
    /// Records the inner service's outcome, caches a good response, and decides whether the steps run.
    pub(crate) fn record<Req, Res, E>(
        &self,
        result: Result<Res, E>,
        outcome: Outcome,
        kept: C::Kept,
    ) -> Decision<Res, E, C::Kept>
    where
        C: Answers<Req, Res, E, P>,
    {
        if outcome.is_success() {
            let result = result.map(|response| self.chain.cache_answer(kept, response));
            self.handle.record_success();
            return Decision::Return(result);
        }
        if self.handle.covers(outcome.class()) {
            Decision::RunSteps(self.execution(result, outcome, kept))
        } else {
            Decision::Return(result)
        }
    }

    /// Creates an execution that starts at the first step.
    pub(crate) fn execution<Res, E, K>(
        &self,
        original: Result<Res, E>,
        outcome: Outcome,
        kept: K,
    ) -> Execution<Res, E, K> {
        self.handle.record_needed();
        Execution { original: Some(original), outcome, kept, next: 0, was_sent: false, running: None }
    }

    fn is_failure<Res, E>(&self, response: &Res) -> bool
    where
        P: Classify<Res, E>,
    {
        self.handle.covers(self.policy.classify(Ok(response)).class())
    }
}
