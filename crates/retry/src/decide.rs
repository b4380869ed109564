//! The decision, once per outcome, in this order: its class, whether the request may be repeated, the attempts, the
//! deadline, the budget.
//!
//! Everything is decided *before* the result is let go, and what is set aside for the next attempt is set aside before
//! the wait: so a refusal never replaces the original result, and a caller that goes away gives everything back.

use std::time::Duration;

use mainstay_core::{Cost, Outcome, Reason, Rejected, Repeat, RequestContext, Reservation};
use tokio::time::Instant;
use tracing::{debug, trace};

use crate::{
    GaveUp, Retrier,
    delay::wait_out,
    journey::{Journey, Leave},
    stats::Count,
};

/// A repeat that was decided on: how long to wait, and what it is paid with.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    pub(crate) delay: Duration,
    paid: Option<Reservation>,
    /// Whether one of our own layers refused, so that the same attempt is made again.
    same_attempt: bool,
}

// === impl Retrier ===

impl Retrier {
    /// A request has come. The clock is read only where there is a deadline or every attempt is timed.
    #[inline]
    pub(crate) fn begin(&self, context: Option<&RequestContext>) -> Journey {
        let mut journey = self.begin_untimed();
        if self.0.live.reads_clock() || context.is_some_and(|context| context.deadline.is_some()) {
            self.begin_timed(&mut journey, context);
        }
        journey
    }

    /// A request has come that has no deadline, and is not timed.
    #[inline]
    pub(crate) fn begin_untimed(&self) -> Journey {
        self.0.stats.add(Count::Calls);
        Journey::new(self.0.live.max_attempts())
    }

    #[cold]
    fn begin_timed(&self, journey: &mut Journey, context: Option<&RequestContext>) {
        let now = Instant::now();
        let began = context.and_then(|context| context.started).unwrap_or(now);
        let own = self.0.live.deadline().and_then(|deadline| began.checked_add(deadline));
        let theirs = context.and_then(|context| context.deadline);
        journey.deadline = own.into_iter().chain(theirs).min();
        journey.attempt_began = Some(now);
    }

    /// Refuses a request whose deadline has passed before it came: nothing is started beyond it.
    #[inline]
    pub(crate) fn refuse_late(&self, journey: &Journey) -> Option<Rejected> {
        let (deadline, now) = (journey.deadline?, journey.attempt_began?);
        (deadline <= now).then(|| self.late())
    }

    #[cold]
    fn late(&self) -> Rejected {
        self.0.stats.add(Count::Late);
        self.gave_up(GaveUp::Deadline, 0);
        self.too_late()
    }

    /// An attempt has ended: how to repeat it, or `None` if its result is the caller's.
    #[inline]
    pub(crate) fn judge(&self, journey: &mut Journey, outcome: Outcome, leave: Leave<'_>) -> Option<Wait> {
        if let Some(began) = journey.attempt_began
            && !matches!(outcome, Outcome::Rejected { .. })
        {
            self.time(began, &outcome);
        }
        if !outcome.is_success() {
            return self.failed(journey, outcome, leave);
        }
        self.succeeded(journey);
        None
    }

    #[cold]
    fn time(&self, began: Instant, outcome: &Outcome) {
        self.0.stats.time(began.elapsed(), outcome.is_success());
    }

    /// The next attempt is being sent.
    pub(crate) fn resume(&self, journey: &mut Journey, wait: Wait) {
        journey.attempt_began = Some(Instant::now());
        if wait.same_attempt {
            return;
        }
        journey.attempt += 1;
        self.0.stats.add(Count::Retries);
        if let Some(paid) = wait.paid {
            paid.spend();
        }
    }

    /// The next attempt failed before it could be sent, so there is nothing to time.
    pub(crate) fn resume_unsent(&self, journey: &mut Journey, wait: Wait) {
        self.resume(journey, wait);
        journey.attempt_began = None;
    }

    /// A repeat was decided on and its time ran out before it could be sent.
    pub(crate) fn overtaken(&self, journey: &Journey) -> Rejected {
        self.gave_up(GaveUp::Deadline, journey.attempt);
        self.too_late()
    }

    fn too_late(&self) -> Rejected {
        Rejected::new(Reason::DeadlineExceeded, &self.0.name)
    }

    #[inline]
    fn succeeded(&self, journey: &Journey) {
        let inner = &*self.0;
        inner.stats.add(Count::Succeeded);
        if journey.attempt > 1 {
            inner.stats.add(Count::Recovered);
        }
        if let Some(budget) = &inner.budget {
            budget.earn();
        }
        if inner.live.is_adaptive() {
            inner.adaptive.record(true);
        }
    }

    #[cold]
    fn failed(&self, journey: &mut Journey, outcome: Outcome, leave: Leave<'_>) -> Option<Wait> {
        let inner = &*self.0;
        let decision = match outcome {
            Outcome::Failure { .. } | Outcome::Overloaded { .. } => self.decide(journey, outcome, leave),
            Outcome::Rejected { repeat } => self.decide_refused(journey, repeat, leave),
            _ => {
                inner.stats.add(Count::Ignored);
                return None;
            }
        };
        match decision {
            Ok(wait) => {
                trace!(retrier = %inner.name, attempt = journey.attempt, delay = ?wait.delay, "will be repeated");
                Some(wait)
            }
            Err(reason) => {
                if outcome.is_failure() && inner.live.is_adaptive() {
                    inner.adaptive.record(false);
                }
                self.gave_up(reason, journey.attempt);
                None
            }
        }
    }

    fn decide(&self, journey: &mut Journey, outcome: Outcome, leave: Leave<'_>) -> Result<Wait, GaveUp> {
        let inner = &*self.0;
        let asked = match outcome.repeat() {
            Repeat::Never => return Err(GaveUp::ServerSaidNever),
            Repeat::After(wait) => Some(wait),
            Repeat::Backoff => None,
        };
        let attempt_quota = leave?;
        if journey.is_last() {
            // A copy can be left over: of an attempt whose service failed before it was ready.
            return Err(GaveUp::Attempts);
        }
        if attempt_quota.is_some_and(|attempt_quota| attempt_quota.left() == 0) {
            return Err(GaveUp::AttemptQuota);
        }
        let settings = inner.settings();
        let now = Instant::now();
        let room = journey.deadline.map(|deadline| deadline.saturating_duration_since(now));
        let too_long = |wait: Duration| room.is_some_and(|room| wait.saturating_add(inner.stats.typical()) >= room);
        if asked.is_some_and(|asked| asked > settings.backoff.cap || too_long(asked)) {
            return Err(GaveUp::RetryAfter);
        }
        let scale = inner.live.is_adaptive().then_some(&inner.adaptive);
        let delay = journey.delays.next(asked, &settings.backoff, scale, &inner.random);
        if too_long(delay) {
            return Err(GaveUp::Deadline);
        }
        let cost = match outcome {
            Outcome::Overloaded { .. } => Cost::Throttled,
            _ => Cost::Retry,
        };
        let paid = inner.budget.as_ref().map(|budget| budget.reserve(cost, now).ok_or(GaveUp::Budget)).transpose();
        let paid = paid.inspect_err(|_| {
            // The layers above share the count: they must not repeat what could not be paid for here.
            if let Some(attempt_quota) = attempt_quota {
                attempt_quota.exhaust();
            }
        })?;
        match attempt_quota.is_none_or(|attempt_quota| attempt_quota.take()) {
            true => Ok(Wait { delay, paid, same_attempt: false }),
            false => Err(GaveUp::AttemptQuota),
        }
    }

    /// A refusal by one of our own layers is no attempt of the dependency: returned at once, unless a deadline leaves
    /// room for the wait that it asks for. That is done once, and costs neither an attempt nor budget.
    fn decide_refused(&self, journey: &mut Journey, repeat: Repeat, leave: Leave<'_>) -> Result<Wait, GaveUp> {
        let inner = &*self.0;
        let wait = || {
            let (asked, deadline) = (repeat.after()?, journey.deadline?);
            let room = deadline.saturating_duration_since(Instant::now()).checked_sub(inner.stats.typical())?;
            wait_out(asked, room, &inner.random)
        };
        let delay = match leave.is_ok() && !journey.waited_out {
            true => wait().ok_or(GaveUp::Rejected)?,
            false => return Err(GaveUp::Rejected),
        };
        journey.waited_out = true;
        inner.stats.add(Count::WaitedOut);
        Ok(Wait { delay, paid: None, same_attempt: true })
    }

    fn gave_up(&self, reason: GaveUp, attempt: u32) {
        self.0.stats.add(Count::GaveUp(reason));
        debug!(retrier = %self.0.name, attempt, %reason, "not repeated");
    }
}
