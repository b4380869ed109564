//! One request: an attempt, and perhaps a second one at the next endpoint. The first success wins.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{Classify, Contextual, FailureKind, Follow, Outcome, Refusal, Replay};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use crate::{
    attempt::Attempt,
    look::{Changed, changed},
    router::counter,
    second::{Cause, Second, is_bad},
    shared::{Shared, Spare},
    tier::Ticket,
};

pin_project! {
    /// The future of a [`Failover`](crate::Failover).
    ///
    /// A call that answers at once reads no clock and arms no timer; one that waits reads the clock once, and arms the
    /// timer of the delay, which lives in the future itself, if a second attempt is possible. Only a second attempt
    /// allocates.
    ///
    /// No bound stands here: with one, the compiler would have to prove it again, with lifetimes erased, wherever a
    /// task holds this future.
    pub struct FailoverFuture<F, S, Req, Res, P, E> {
        shared: Arc<Shared<S, P>>,
        #[pin]
        first: Attempt<F, S, Req, E>,
        ticket: Option<Ticket>,
        // When the first attempt was found to be waiting.
        waiting_since: Option<Instant>,
        #[pin]
        delay: Option<Sleep>,
        delay_over: bool,
        // Waits for the silent endpoint to be left, where a second attempt had no budget. Boxed: it is rare.
        switch: Option<Changed>,
        spare: Option<Spare<Req>>,
        // Boxed: it is rare, and would double the size of all the others.
        second: Option<Pin<Box<Second<F, S, Req, Res, E>>>>,
    }

    impl<F, S, Req, Res, P, E> PinnedDrop for FailoverFuture<F, S, Req, Res, P, E> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(ticket) = this.ticket.take() {
                this.shared.router().abandon(ticket, *this.waiting_since);
            }
        }
    }
}

// === impl FailoverFuture ===

impl<F, S, Req, Res, P, E> FailoverFuture<F, S, Req, Res, P, E> {
    #[inline]
    pub(crate) fn new(
        shared: Arc<Shared<S, P>>,
        first: Attempt<F, S, Req, E>,
        ticket: Option<Ticket>,
        spare: Option<Spare<Req>>,
    ) -> Self {
        let (waiting_since, delay, delay_over, switch, second) = Default::default();
        Self { shared, first, ticket, waiting_since, delay, delay_over, switch, spare, second }
    }
}

impl<F, S, Req, P, E> Future for FailoverFuture<F, S, Req, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    E: Refusal,
    P: Classify<S::Response, E> + Follow<S::Response> + Replay<Req> + Contextual<Req>,
{
    type Output = Result<S::Response, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.as_mut().poll_first(cx) {
            return Poll::Ready(answer);
        }
        if self.as_mut().is_delay_over(cx) {
            let index = self.ticket.as_ref().map(|ticket| ticket.index);
            self.as_mut().begin_second(index, Cause::Delay);
        }
        if self.as_mut().is_left_behind(cx) {
            let index = self.ticket.as_ref().map(|ticket| ticket.index);
            self.as_mut().begin_second(index, Cause::Left);
        }
        self.poll_second(cx)
    }
}

impl<F, S, Req, P, E> FailoverFuture<F, S, Req, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    E: Refusal,
    P: Classify<S::Response, E> + Follow<S::Response> + Replay<Req> + Contextual<Req>,
{
    /// Ready when the first attempt's answer is the caller's.
    #[inline]
    fn poll_first(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        let mut this = self.as_mut().project();
        let result = match this.first.as_mut().poll(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                if this.ticket.is_some() {
                    this.waiting_since.get_or_insert_with(Instant::now);
                }
                return Poll::Pending;
            }
        };
        this.first.set(Attempt::Over);
        // Without a ticket nobody was asked.
        let Some(index) = this.ticket.as_ref().map(|ticket| ticket.index) else { return Poll::Ready(result) };
        let router = this.shared.router();
        let outcome = this.shared.policy.classify(result.as_ref());
        let result = router.conclude(&this.shared.policy, this.ticket, outcome, result);
        if outcome.is_success() {
            if let Some(spare) = this.spare {
                router.tiers[spare.target].budget.earn();
                if let Some(since) = this.waiting_since {
                    router.tiers[index].latency.record(since.elapsed());
                }
            }
            return Poll::Ready(result);
        }
        let cause = router.cause(&outcome).filter(|_| this.second.is_none());
        if let Some(cause) = cause {
            self.as_mut().begin_second(Some(index), cause);
        }
        match self.project().second {
            Some(second) if is_bad(&outcome) => {
                second.as_mut().keep(result);
                Poll::Pending
            }
            _ => Poll::Ready(result),
        }
    }

    /// Whether the endpoint has been silent for too long, and nothing was done about it yet. Arms the timer when the
    /// first attempt is found to be waiting.
    fn is_delay_over(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let Some(ticket) = this.ticket.as_ref().filter(|_| this.spare.is_some() && !*this.delay_over) else {
            return false;
        };
        if this.delay.is_none() {
            let Some(delay) = this.shared.router().delay(ticket.index) else { return false };
            this.delay.set(Some(sleep(delay)));
        }
        // It ends once: without budget or target the request waits on, until the endpoint fails or is left.
        *this.delay_over = this.delay.as_pin_mut().is_some_and(|delay| delay.poll(cx).is_ready());
        *this.delay_over
    }

    /// Whether the endpoint was left while this request waits for it past all ready_timeout, without a second attempt. No
    /// request waits for a dead endpoint's timeout; each is sent once more at most, so this needs no budget.
    fn is_left_behind(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = self.project();
        let Some(ticket) = this.ticket.as_ref().filter(|_| *this.delay_over && this.spare.is_some()) else {
            return false;
        };
        let router = this.shared.router();
        loop {
            // Waits first and looks second: a switch in between is not missed.
            let switch = this.switch.get_or_insert_with(|| changed(router));
            if router.tiers[ticket.index].breaker.epoch() != ticket.epoch {
                return true;
            }
            if switch.as_mut().poll(cx).is_pending() {
                return false;
            }
            *this.switch = None;
        }
    }

    /// Begins a second attempt if all that it needs is there: an intact copy, room in the deadline, a target, budget, a
    /// send.
    #[cold]
    fn begin_second(self: Pin<&mut Self>, tried: Option<usize>, cause: Cause) {
        let this = self.project();
        let (shared, now) = (&**this.shared, Instant::now());
        let (Some(spare), Some(tried)) = (this.spare.as_ref(), tried) else { return };
        let context = shared.policy.context(&spare.copy);
        let late = context.and_then(|context| context.deadline).is_some_and(|deadline| deadline <= now);
        if late || !shared.policy.is_intact(&spare.copy) {
            return;
        }
        let Some((ticket, reservation)) = shared.router().second_ticket(tried, cause, now) else { return };
        if context.and_then(|context| context.attempt_quota.as_ref()).is_some_and(|attempt_quota| !attempt_quota.take())
        {
            return;
        }
        let Some(spare) = this.spare.take() else { return };
        let attempt = Attempt::readying(shared.template(ticket.index), spare.copy);
        *this.second = Some(Box::pin(Second::new(attempt, ticket, reservation)));
        shared.router().counters.add(cause.counter());
    }

    /// Ready when the second attempt decides.
    fn poll_second(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        let mut this = self.project();
        let Some(second) = this.second else { return Poll::Pending };
        let (result, mut ticket) = ready!(second.as_mut().poll(cx));
        let outcome = this.shared.policy.classify(result.as_ref());
        let result = this.shared.router().conclude(&this.shared.policy, &mut ticket, outcome, result);
        let kept = second.as_mut().kept();
        *this.second = None;
        if is_bad(&outcome) {
            // The original answer is what the caller gets, now or when it comes.
            this.shared.policy.discard(result);
            return kept.map_or(Poll::Pending, Poll::Ready);
        }
        this.shared.router().counters.add(counter::SECOND_WON);
        if let Some(kept) = kept {
            this.shared.policy.discard(kept);
        }
        // The first one was silent past all ready_timeout, and this endpoint answered.
        this.first.set(Attempt::Over);
        if let Some(silent) = this.ticket.take() {
            this.shared.router().settle(silent, Outcome::failure(FailureKind::Timeout));
        }
        Poll::Ready(result)
    }
}

impl<F, S, Req, Res, P, E> fmt::Debug for FailoverFuture<F, S, Req, Res, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.ticket.as_ref().map(|ticket| ticket.index);
        let second = self.second.is_some();
        f.debug_struct("FailoverFuture").field("endpoint", &endpoint).field("second", &second).finish_non_exhaustive()
    }
}
