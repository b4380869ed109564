//! What outcomes change: the endpoint's breaker, and with it the route.

use std::sync::atomic::Ordering::Relaxed;

use mainstay_circuit_breaker::Permit;
use mainstay_core::{FailureKind, Follow, Outcome};
use tokio::time::Instant;

use super::{NEVER, Router, nanos};
use crate::tier::Ticket;

impl Router {
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, outcome: Outcome) {
        let Ticket { index, epoch, permit } = ticket;
        match permit {
            Some(permit) => self.settle_trial(*permit, outcome),
            None => self.record_at(index, epoch, outcome),
        }
    }

    #[inline]
    fn record_at(&self, index: usize, epoch: u64, outcome: Outcome) {
        let breaker = &self.tiers[index].breaker;
        breaker.record_at(epoch, outcome);
        if breaker.epoch() != epoch {
            self.observe();
        }
    }

    #[cold]
    fn settle_trial(&self, permit: Permit, outcome: Outcome) {
        permit.record(outcome);
        self.observe();
    }

    /// The outcome of an answer: that of its end, where it began well and goes on. Nothing where the ticket was taken. An
    /// ordinary ticket is read where it lies.
    #[inline]
    pub(crate) fn conclude<P, Res, E>(
        &self,
        policy: &P,
        ticket: &mut Option<Ticket>,
        outcome: Outcome,
        result: Result<Res, E>,
    ) -> Result<Res, E>
    where
        P: Follow<Res>,
    {
        match result {
            Ok(response) if outcome.is_success() && policy.is_streaming(&response) => match ticket.take() {
                Some(ticket) => Ok(policy.follow(response, self.begun(ticket))),
                None => Ok(response),
            },
            result => {
                if let Some(Ticket { index, epoch, permit: None }) = *ticket {
                    *ticket = None;
                    self.record_at(index, epoch, outcome);
                } else if let Some(ticket) = ticket.take() {
                    self.settle(ticket, outcome);
                }
                result
            }
        }
    }

    /// What is to be told the end of an answer that began well. A stream keeps no router alive that nobody else wants.
    fn begun(&self, ticket: Ticket) -> impl FnOnce(Outcome) + Send + Sync + 'static {
        let Ticket { index, epoch, permit } = ticket;
        let (router, trial) = (self.itself.clone(), permit.map(|permit| permit.record_on_end()));
        move |outcome| {
            let Some(router) = router.upgrade() else { return };
            match trial {
                Some(settle) => {
                    settle(outcome);
                    router.observe();
                }
                None => router.record(index, epoch, outcome),
            }
        }
    }

    pub(crate) fn record(&self, index: usize, epoch: u64, outcome: Outcome) {
        if index < self.tiers.len() {
            self.settle(Ticket { index, epoch, permit: None }, outcome);
        }
    }

    /// The caller went away: neutral, unless it had waited for long, or this thread panics.
    #[cold]
    pub(crate) fn abandon(&self, ticket: Ticket, waiting_since: Option<Instant>) {
        let limit = self.knobs.abandoned_after.load(Relaxed);
        if std::thread::panicking() {
            self.settle(ticket, Outcome::failure(FailureKind::Unknown));
        } else if limit != NEVER && waiting_since.is_some_and(|since| nanos(since.elapsed()) >= limit) {
            self.settle(ticket, Outcome::failure(FailureKind::Timeout));
        }
    }
}
