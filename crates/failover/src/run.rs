//! The function form: a failover around plain async code.

use std::{future::poll_fn, pin::pin, sync::Arc};

use mainstay_core::{BoxError, Classify, Follow, Outcome, Plain, Refusal, on_panic, run::boxed};
use tokio::time::Instant;

use crate::{
    active::Active,
    counters::SECOND_WON,
    dropped::{Waiting, record_drop, record_dropped},
    evidence,
    failed::{Failed, record_failed, record_panic},
    handle::FailoverHandle,
    history::History,
    permit::EndpointPermit,
    second_attempt::{self, is_bad},
    switchboard::Switchboard,
    weight::Others,
};

/// An attempt in progress. Records its drop when the caller drops the future.
struct Running<'a> {
    board: &'a Switchboard,
    permit: Option<EndpointPermit>,
    /// The attempt's failure, until it is known what it counts for.
    failed: Option<Failed>,
    /// The failure of the first attempt, while this is a later one.
    first: Option<Failed>,
    since: Instant,
}

impl FailoverHandle {
    /// Runs the function at the endpoint in use, and once more at another one if it fails; at a further one only if it could
    /// not be sent to the second. Every error is a failure, except a refusal by a handle or a layer inside. The error is
    /// boxed; [`run_with`](Self::run_with) keeps its type.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
    /// use mainstay_failover::{Endpoint, FailoverHandle};
    ///
    /// let replicas = FailoverHandle::new("replicas", [Endpoint::named("eu"), Endpoint::named("us")])?;
    /// let query = |at: mainstay_failover::Active| async move {
    ///     if at.name() == "eu" { Err("connection refused") } else { Ok(42) }
    /// };
    /// assert_eq!(replicas.run(query).await?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// There is no second attempt after a delay here; put a timeout into the function.
    ///
    /// # Errors
    /// The function's first error, or the refusal.
    pub async fn run<F, Fut, T, E>(&self, mut function: F) -> Result<T, BoxError>
    where
        F: FnMut(Active) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, |active| boxed(function(active))).await
    }

    /// Does the same as [`run`](Self::run), with a policy that classifies the results, and with an error type that carries
    /// the refusal.
    ///
    /// # Errors
    /// The function's first error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: P, mut function: F) -> Result<T, E>
    where
        P: Classify<T, E> + Follow<T>,
        F: FnMut(Active) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        let board = &*self.board;
        let Some(permit) = self.acquire() else { return Err(self.refuse().into()) };
        // Without a context each call is a request of its own.
        let (index, history) = (permit.index, History::default());
        let active = Active::of(&board.endpoints[index], &permit);
        let mut running = Running::new(board, permit);
        let first = running.run(|| function(active)).await;
        let outcome = policy.classify(first.as_ref());
        if outcome.is_success()
            && let Some(target) = board.second_target(index, &history)
        {
            board.endpoints[target].budget.earn();
        }
        if outcome.is_success() {
            return running.record_answer(&self.board, &policy, outcome, first);
        }
        let (mut tried, mut cause) = (vec![index], second_attempt::cause(&board.live, &outcome));
        running.fail(outcome);
        // Ends with the first attempt that could be sent, or when no endpoint is left.
        while let Some(why) = cause
            && let Some((permit, reservation)) = second_attempt::acquire(board, &tried, why, &history, Instant::now())
        {
            tried.push(permit.index);
            if let Some(reservation) = reservation {
                reservation.spend();
            }
            board.counters.add(why.counter());
            let active = Active::of(&board.endpoints[permit.index], &permit);
            running = running.next(permit);
            let second = running.run(|| function(active)).await;
            let outcome = policy.classify(second.as_ref());
            if !is_bad(&outcome) {
                let others = if outcome.is_success() { Others::Good } else { Others::Silent };
                let second = running.record_answer(&self.board, &policy, outcome, second);
                running.record_first(others);
                board.counters.add(SECOND_WON);
                policy.discard(first);
                return second;
            }
            running.fail(outcome);
            policy.discard(second);
            cause = second_attempt::cause(&board.live, &outcome).filter(|cause| cause.is_unsent());
        }
        running.record_both();
        first
    }
}

// === impl Running ===

impl<'a> Running<'a> {
    fn new(board: &'a Switchboard, permit: EndpointPermit) -> Self {
        Self { board, permit: Some(permit), failed: None, first: None, since: Instant::now() }
    }

    /// Returns the next attempt of the same request. Keeps the failure of the first one; that of a further one counts now,
    /// because it could not be sent.
    fn next(mut self, permit: EndpointPermit) -> Self {
        let (first, failed) = (self.first.take(), self.failed.take());
        let first = match first {
            None => failed,
            first => {
                record_failed(self.board, &History::default(), None, failed);
                first
            }
        };
        let mut next = Self::new(self.board, permit);
        next.first = first;
        next
    }

    /// Runs the work. A panic of it is a failure, recorded with that of the other attempt.
    async fn run<Fut: Future>(&mut self, work: impl FnOnce() -> Fut) -> Fut::Output {
        let Self { board, permit, first, .. } = self;
        let history = History::default();
        let mut panicked = || record_panic(board, &history, permit, Some(&mut *first));
        let mut work = pin!(on_panic(&mut panicked, work));
        poll_fn(|cx| on_panic(&mut panicked, || work.as_mut().poll(cx))).await
    }

    /// Records the outcome of an answer: at its end, if it began well and streams.
    fn record_answer<P, T, E>(
        &mut self,
        board: &Arc<Switchboard>,
        policy: &P,
        outcome: Outcome,
        answer: Result<T, E>,
    ) -> Result<T, E>
    where
        P: Follow<T>,
    {
        evidence::record_answer(board, policy, &mut self.permit, &History::default(), outcome, answer)
    }

    fn record(&mut self, outcome: Outcome, others: Others) {
        if let Some(permit) = self.permit.take() {
            evidence::record(self.board, permit, outcome, others, &History::default());
        }
    }

    /// Ends the attempt with this outcome. What a failure counts for is decided later.
    fn fail(&mut self, outcome: Outcome) {
        match outcome.is_failure() {
            true => self.failed = self.permit.take().map(|permit| Failed::new(permit, outcome)),
            false => self.record(outcome, Others::Silent),
        }
    }

    fn record_first(&mut self, others: Others) {
        if let Some(failed) = self.first.take() {
            failed.record(self.board, &History::default(), others);
        }
    }

    fn record_both(&mut self) {
        record_failed(self.board, &History::default(), self.first.take(), self.failed.take());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let history = History::default();
        let waiting = self.permit.take().map(|permit| Waiting { permit, waited: Some(self.since.elapsed()) });
        match (waiting, self.first.take()) {
            (Some(Waiting { permit, waited }), None) => record_drop(self.board, permit, waited, &history),
            (None, None) => {}
            (waiting, first) => record_dropped(self.board, None, waiting, first, &history),
        }
        if let Some(failed) = self.failed.take() {
            failed.record(self.board, &history, Others::Silent);
        }
    }
}
