//! Two attempts of one request: which answer the caller gets.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::{Classify, Contextual, Follow, Outcome, Replay, on_panic};
use tower_service::Service;

use crate::{
    attempt::Attempt,
    counters::SECOND_WON,
    ended::{FirstEnded, SecondEnded},
    evidence,
    failed::{Failed, record_failed, record_panic},
    future::FailoverFuture,
    second_attempt::{Cause, cause, is_bad, long_silence},
    sent::Sent,
    silence::{record_long_silence, record_overtaken, record_silence},
    weight::Others,
};

impl<F, S, Req, K, P, E> Future for FailoverFuture<F, S, Req, K, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E> + Follow<S::Response> + Replay<Req, Kept = K> + Contextual<Req>,
    K: Into<Req>,
{
    type Output = Result<S::Response, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.as_mut().poll_first(cx) {
            return Poll::Ready(answer);
        }
        self.as_mut().poll_wait(cx);
        self.poll_second(cx)
    }
}

impl<F, S, Req, K, P, E> FailoverFuture<F, S, Req, K, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E> + Follow<S::Response> + Replay<Req, Kept = K> + Contextual<Req>,
    K: Into<Req>,
{
    /// Polls the first attempt. Ready when its answer is the caller's.
    #[inline]
    fn poll_first(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        let mut this = self.as_mut().project();
        let (board, history) = (this.shared.board(), &*this.history);
        let polled = on_panic(|| record_panic(board, history, this.permit, None), || this.first.as_mut().poll(cx));
        let answer = match polled {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                if this.permit.is_some() && !this.clock.is_started() {
                    this.clock.start();
                }
                return Poll::Pending;
            }
        };
        this.first.set(Attempt::Over);
        let Some(index) = this.permit.as_ref().map(|permit| permit.index) else { return Poll::Ready(answer) };
        let policy = &this.shared.policy;
        let outcome = policy.classify(answer.as_ref());
        if !outcome.is_success() {
            return self.first_failed(index, outcome, answer);
        }
        let answer = evidence::record_answer(board, policy, this.permit, history, outcome, answer);
        if let Some(waited) = this.clock.waited() {
            board.record_latency(index, waited);
            if let Some((target, waited)) = this.second.waited() {
                board.record_time(target, waited);
            }
        }
        if let Some(target) = this.second.target() {
            board.endpoints[target].budget.earn();
        }
        if let Some(failed) = this.second.take_failed() {
            failed.record(board, history, Others::Good);
        }
        Poll::Ready(answer)
    }

    /// Ends the first attempt without a success: starts a second one, waits for the one that runs, or returns the answer.
    #[cold]
    fn first_failed(
        self: Pin<&mut Self>,
        index: usize,
        outcome: Outcome,
        answer: Result<S::Response, E>,
    ) -> Poll<Result<S::Response, E>> {
        let mut this = self.project();
        let board = this.shared.board();
        if let Some(cause) = cause(&board.live, &outcome)
            && !this.second.is_running()
        {
            this.second.as_mut().start(this.shared, index, cause, this.history);
        }
        let Some(permit) = this.permit.take() else { return Poll::Ready(answer) };
        let failed = match outcome.is_failure() {
            true => Some(Failed::new(permit, outcome)),
            false => {
                evidence::record(board, permit, outcome, Others::Silent, this.history);
                None
            }
        };
        let first = FirstEnded { answer, failed };
        let first = match is_bad(&outcome) {
            true => match this.second.as_mut().keep(first) {
                None => return Poll::Pending,
                Some(first) => first,
            },
            false => first,
        };
        record_failed(board, this.history, first.failed, this.second.take_failed());
        Poll::Ready(first.answer)
    }

    /// Starts a second attempt when the first one has waited for too long.
    fn poll_wait(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        let (board, Some(permit)) = (this.shared.board(), this.permit.as_ref()) else { return };
        if this.second.as_mut().poll_delay(board, permit.index, this.clock, cx) {
            let cause = if board.is_left_since(Sent::of(permit)) { Cause::Left } else { Cause::Delay };
            this.second.as_mut().start(this.shared, permit.index, cause, this.history);
            if !this.second.is_running() {
                record_silence(board, permit);
                let silence = long_silence(&board.endpoints[permit.index], &board.live);
                this.second.as_mut().set_timer(silence.and_then(|silence| this.clock.end(silence)));
            }
        }
        while this.second.as_mut().poll_long_silence(cx) {
            let silence = long_silence(&board.endpoints[permit.index], &board.live);
            match silence.and_then(|silence| this.clock.later_end(silence)) {
                None => record_long_silence(board, permit, this.history),
                end => this.second.as_mut().set_timer(end),
            }
        }
        if this.second.as_mut().poll_left(board, permit, cx) {
            this.second.start(this.shared, permit.index, Cause::Left, this.history);
        }
    }

    /// Polls the second attempt. Ready when the caller gets its answer, or when all attempts have failed.
    fn poll_second(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        loop {
            let mut this = self.as_mut().project();
            let (board, policy) = (this.shared.board(), &this.shared.policy);
            let ended = ready!(this.second.as_mut().poll(board, this.history, cx));
            let outcome = policy.classify(ended.answer.as_ref());
            if !is_bad(&outcome) {
                return Poll::Ready(self.second_won(outcome, ended));
            }
            let SecondEnded { answer, permit, first, spare, .. } = ended;
            // The caller gets the first attempt's answer, now or when it comes.
            policy.discard(answer);
            let second = permit.map(|permit| Failed::new(permit, outcome)).filter(|_| outcome.is_failure());
            let is_unsent = cause(&board.live, &outcome).is_some_and(Cause::is_unsent);
            if is_unsent && this.second.as_mut().start_next(this.shared, spare, this.history) {
                // A request that could not be sent counts for its endpoint, whatever the others say.
                record_failed(board, this.history, None, second);
                if let Some(first) = first {
                    this.second.as_mut().keep(first);
                }
                continue;
            }
            let Some(FirstEnded { answer, failed }) = first else {
                if let Some(second) = second {
                    this.second.set_failed(second);
                }
                return Poll::Pending;
            };
            record_failed(board, this.history, failed, second);
            return Poll::Ready(answer);
        }
    }

    /// Returns the answer of the second attempt, and records what it says of the first.
    fn second_won(
        self: Pin<&mut Self>,
        outcome: Outcome,
        ended: SecondEnded<K, S::Response, E>,
    ) -> Result<S::Response, E> {
        let SecondEnded { answer, mut permit, took, first, .. } = ended;
        let mut this = self.project();
        let (policy, board, history) = (&this.shared.policy, this.shared.board(), &*this.history);
        let others = if outcome.is_success() { Others::Good } else { Others::Silent };
        if let (Some(permit), true) = (&permit, outcome.is_success()) {
            board.record_latency(permit.index, took);
        }
        let answer = evidence::record_answer(board, policy, &mut permit, history, outcome, answer);
        board.counters.add(SECOND_WON);
        if let Some(FirstEnded { answer, failed }) = first {
            policy.discard(answer);
            if let Some(failed) = failed {
                failed.record(board, history, others);
            }
        }
        this.first.set(Attempt::Over);
        if let Some(permit) = this.permit.take() {
            record_overtaken(board, permit, this.clock.waited(), others, history);
        }
        answer
    }
}
