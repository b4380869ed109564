//! The second attempt of one request at another endpoint, from before it starts to its end.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::{Reservation, Wait, can_arm_timer, on_panic};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tower_service::Service;

use crate::{
    attempt::Attempt,
    attempt_clock::AttemptClock,
    changed::changed,
    ended::{FirstEnded, SecondEnded},
    failed::{Failed, record_panic},
    history::History,
    overdue_request::OverdueRequest,
    permit::EndpointPermit,
    replay_copy::{ReplayCopy, Spare},
    second_attempt::delay,
    sent::Sent,
    switchboard::Switchboard,
};

pin_project! {
    /// The second attempt of one request, from before it starts to its end.
    pub(crate) struct Second<F, S, Req, K, Res, E> {
        // Taken when the second attempt starts.
        pub(crate) copy: Option<ReplayCopy<K>>,
        // Armed when the first attempt is found to be waiting.
        #[pin]
        timer: Option<Sleep>,
        pub(crate) phase: Phase<F, S, Req, K, Res, E>,
    }
}

/// Where a second attempt stands. One field rather than three: dropping it is on the path of every request.
pub(crate) enum Phase<F, S, Req, K, Res, E> {
    /// It has not started, or has ended.
    Idle,
    /// The delay is over, and the attempt has not started. Waits for the first endpoint to be left. Boxed, because it is rare.
    DelayOver(Wait, #[expect(dead_code, reason = "counts until it is dropped")] Box<OverdueRequest>),
    /// It has failed, and the first attempt still runs. Boxed, because it is rare.
    Failed(Box<Failed>),
    /// It has started. Boxed, because it is rare and would double the size of the future.
    #[allow(clippy::type_complexity, reason = "six parameters of one future")]
    Running(Pin<Box<Running<F, S, Req, K, Res, E>>>),
}

pin_project! {
    /// A second attempt that has started.
    pub(crate) struct Running<F, S, Req, K, Res, E> {
        #[pin]
        pub(crate) attempt: Attempt<F, S, Req, E>,
        pub(crate) permit: Option<EndpointPermit>,
        // Spent when the request is sent; returned to the budget when it is dropped before.
        pub(crate) reservation: Option<Reservation>,
        pub(crate) clock: AttemptClock,
        // The first attempt, if it has ended badly: the caller gets its answer if this attempt fails too.
        pub(crate) first: Option<FirstEnded<Res, E>>,
        // What a further attempt needs if this one can't be sent.
        pub(crate) spare: Option<Spare<K>>,
    }
}

// === impl Second ===

impl<F, S, Req, K, Res, E> Second<F, S, Req, K, Res, E> {
    #[inline]
    pub(crate) fn new(copy: Option<ReplayCopy<K>>) -> Self {
        Self { copy, timer: None, phase: Phase::Idle }
    }

    /// Returns the endpoint whose budget a success pays into; `None` when no second attempt is possible.
    #[inline]
    pub(crate) fn target(&self) -> Option<usize> {
        self.copy.as_ref().map(|copy| copy.target)
    }

    /// Whether a second attempt has started, or waits to.
    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        !matches!(self.phase, Phase::Idle)
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// Takes the permit of the attempt that runs.
    pub(crate) fn take_permit(self: Pin<&mut Self>) -> Option<EndpointPermit> {
        let Phase::Running(running) = self.project().phase else { return None };
        running.as_mut().project().permit.take()
    }

    /// Returns the endpoint of the attempt that runs, and how long it has waited for its answer.
    pub(crate) fn waited(&self) -> Option<(usize, Duration)> {
        let Phase::Running(running) = &self.phase else { return None };
        Some((running.permit.as_ref()?.index, running.clock.waited()?))
    }

    /// Keeps the first attempt while this attempt runs; returns it when this attempt does not run.
    pub(crate) fn keep(self: Pin<&mut Self>, first: FirstEnded<Res, E>) -> Option<FirstEnded<Res, E>> {
        match self.project().phase {
            Phase::Running(running) => {
                *running.as_mut().project().first = Some(first);
                None
            }
            _ => Some(first),
        }
    }

    /// Keeps the failure of this attempt until the first one ends.
    pub(crate) fn set_failed(self: Pin<&mut Self>, failed: Failed) {
        *self.project().phase = Phase::Failed(Box::new(failed));
    }

    /// Takes the failure of this attempt, if it has failed while the first one ran.
    #[inline]
    pub(crate) fn take_failed(self: Pin<&mut Self>) -> Option<Failed> {
        let phase = self.project().phase;
        match phase {
            Phase::Failed(_) => match mem::replace(phase, Phase::Idle) {
                Phase::Failed(failed) => Some(*failed),
                _ => None,
            },
            _ => None,
        }
    }

    /// Takes the failure of the attempt that waits for the other one's verdict.
    pub(crate) fn take_undecided(mut self: Pin<&mut Self>) -> Option<Failed> {
        if let Phase::Running(running) = self.as_mut().project().phase {
            return running.as_mut().project().first.take()?.failed;
        }
        self.take_failed()
    }

    /// Whether the delay has ended since the last call. Arms the timer in the first call, which reads the delay, and again
    /// while the body of the request is on its way.
    pub(crate) fn poll_delay(
        self: Pin<&mut Self>,
        board: &Arc<Switchboard>,
        first: usize,
        clock: &AttemptClock,
        cx: &mut Context<'_>,
    ) -> bool {
        let mut this = self.project();
        if !matches!(this.phase, Phase::Idle) {
            return false;
        }
        if this.timer.is_none() {
            let Some(delay) = delay(&board.endpoints[first], &board.live) else { return false };
            if !can_arm_timer() {
                return false;
            }
            this.timer.set(Some(sleep(delay)));
        }
        while this.timer.as_mut().as_pin_mut().is_some_and(|timer| timer.poll(cx).is_ready()) {
            match delay(&board.endpoints[first], &board.live).and_then(|delay| clock.later_end(delay)) {
                Some(end) => this.timer.set(Some(sleep_until(end))),
                None => {
                    *this.phase = Phase::DelayOver(Wait::default(), OverdueRequest::new(board, first).into());
                    return true;
                }
            }
        }
        false
    }

    /// Whether a request past the delay and without a second attempt has now waited until the timer's end. Ready once.
    pub(crate) fn poll_long_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let is_over = matches!(this.phase, Phase::DelayOver(..))
            && this.timer.as_mut().as_pin_mut().is_some_and(|timer| timer.poll(cx).is_ready());
        if is_over {
            this.timer.set(None);
        }
        is_over
    }

    /// Sets the timer to the end of a long silence.
    pub(crate) fn set_timer(self: Pin<&mut Self>, end: Option<Instant>) {
        self.project().timer.set(end.map(sleep_until));
    }

    /// Whether the first endpoint has been left or suspended although the request still waits for it, past the delay and without a
    /// second attempt.
    pub(crate) fn poll_left(
        self: Pin<&mut Self>,
        board: &Switchboard,
        first: &EndpointPermit,
        cx: &mut Context<'_>,
    ) -> bool {
        let Phase::DelayOver(wait, _) = self.project().phase else { return false };
        let look =
            |_: &mut Context<'_>| if board.is_left_since(Sent::of(first)) { Poll::Ready(()) } else { Poll::Pending };
        wait.poll(cx, || changed(board), look).is_ready()
    }
}

impl<F, S, Req, K, E> Second<F, S, Req, K, S::Response, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F>,
    S::Error: Into<E>,
{
    /// Polls the second attempt. Ready once, with its answer.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        board: &Switchboard,
        history: &History,
        cx: &mut Context<'_>,
    ) -> Poll<SecondEnded<K, S::Response, E>> {
        let this = self.project();
        let Phase::Running(running) = this.phase else { return Poll::Pending };
        let mut second = running.as_mut().project();
        let other = second.first.as_mut().map(|first| &mut first.failed);
        let polled =
            on_panic(|| record_panic(board, history, second.permit, other), || second.attempt.as_mut().poll(cx));
        if (polled.is_ready() || second.attempt.is_calling())
            && let Some(reservation) = second.reservation.take()
        {
            reservation.spend();
        }
        let answer = ready!(polled);
        let (permit, first, took) =
            (second.permit.take(), second.first.take(), second.clock.waited().unwrap_or_default());
        let spare = second.spare.take();
        *this.phase = Phase::Idle;
        Poll::Ready(SecondEnded { answer, permit, took, first, spare })
    }
}
