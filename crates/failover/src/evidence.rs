//! The evidence of one request: what the outcomes of its attempts change.
//!
//! A success is recorded at once. What a failure counts for depends on what the other endpoint says to the same request
//! ([weight](crate::weight)), so a failed attempt waits as [`Failed`] while another attempt runs.

use std::sync::Arc;

use mainstay_core::{FailureKind, Follow, Outcome, Repeat, is_runtime_ending};
use tokio::time::Instant;

use crate::{
    departure::Sent,
    permit::EndpointPermit,
    switchboard::Switchboard,
    weight::{Others, Weight, weigh},
};

/// An attempt that has failed, until it is known what the other endpoint says to the request.
#[derive(Debug)]
pub(crate) struct Failed {
    permit: EndpointPermit,
    outcome: Outcome,
}

/// Records the outcome of an attempt, given what the other endpoints said to the request.
#[inline]
pub(crate) fn record(board: &Switchboard, permit: EndpointPermit, outcome: Outcome, others: Others) {
    match permit {
        EndpointPermit { index, epoch, trial: None, .. } if outcome.is_success() => {
            record_success(board, index, epoch);
        }
        permit => record_slowly(board, permit, outcome, others),
    }
}

/// Records a success of an attempt that was sent in this epoch of the endpoint's breaker.
#[inline]
pub(crate) fn record_success(board: &Switchboard, index: usize, epoch: u64) {
    let Some(endpoint) = board.endpoints.get(index) else { return };
    endpoint.breaker.record_at(epoch, Outcome::Success);
    if endpoint.signals.is_marked() {
        board.record_marked_success(index, epoch);
    }
}

#[cold]
fn record_slowly(board: &Switchboard, permit: EndpointPermit, outcome: Outcome, others: Others) {
    let EndpointPermit { index, epoch, suspensions, trial } = permit;
    let Some(endpoint) = board.endpoints.get(index) else { return };
    // A server's wish to be asked later does not change a hold.
    let outcome = outcome.with_repeat(Repeat::Backoff);
    let weight = weigh(&outcome, others);
    match trial {
        Some(trial) => {
            let has_others = board.endpoints.len() > 1;
            let limits = board.live.limits();
            let streak = endpoint.signals.record_trial(&outcome, weight);
            match outcome.is_failure() && !weight.counts_in_trial(has_others, streak, limits.streak) {
                true => trial.record(Outcome::ignored()),
                false => trial.record(outcome),
            }
            board.observe();
        }
        None => {
            endpoint.breaker.record_at(epoch, outcome);
            if outcome.is_failure() {
                board.record_failure(Sent { index, epoch, suspensions }, weight);
            }
        }
    }
}

/// Records an error of an endpoint's readiness: the request could not be handed over.
#[cold]
pub(crate) fn record_unready(board: &Switchboard, index: usize, epoch: u64, outcome: Outcome) {
    let Some(endpoint) = board.endpoints.get(index) else { return };
    endpoint.breaker.record_at(epoch, outcome.with_repeat(Repeat::Backoff));
    if outcome.is_failure() {
        let sent = Sent { index, epoch, suspensions: endpoint.ask.suspensions() };
        board.record_failure(sent, Weight::Connect { proven: false });
    }
}

/// Records that an endpoint has not answered within the delay. Its answer still counts when it comes.
#[cold]
pub(crate) fn record_silence(board: &Switchboard, permit: &EndpointPermit) {
    if permit.trial.is_none() {
        board.record_failure(Sent::of(permit), Weight::SILENCE);
    }
}

/// Records the outcome of an answer: at its end, where it began well and is a stream, else at once. Does nothing when
/// the permit is taken already.
///
/// The permit is read in place: moving it costs a copy through memory on the path of every request.
#[inline]
pub(crate) fn record_answer<P, Res, E>(
    board: &Arc<Switchboard>,
    policy: &P,
    permit: &mut Option<EndpointPermit>,
    outcome: Outcome,
    answer: Result<Res, E>,
) -> Result<Res, E>
where
    P: Follow<Res>,
{
    match answer {
        Ok(response) if outcome.is_success() && policy.is_streaming(&response) => match permit.take() {
            Some(permit) => Ok(policy.follow(response, at_the_end(board, permit))),
            None => Ok(response),
        },
        answer => {
            match *permit {
                Some(EndpointPermit { index, epoch, trial: None, .. }) if outcome.is_success() => {
                    *permit = None;
                    record_success(board, index, epoch);
                }
                _ => {
                    if let Some(permit) = permit.take() {
                        record_slowly(board, permit, outcome, Others::Silent);
                    }
                }
            }
            answer
        }
    }
}

/// Returns what a stream calls with its end. The stream does not keep the failover alive.
fn at_the_end(board: &Arc<Switchboard>, permit: EndpointPermit) -> impl FnOnce(Outcome) + Send + Sync + 'static {
    let EndpointPermit { index, epoch, suspensions, trial } = permit;
    let (board, trial) = (Arc::downgrade(board), trial.map(|permit| permit.record_on_end()));
    move |outcome| {
        let Some(board) = board.upgrade() else { return };
        match trial {
            Some(record) => {
                record(outcome.with_repeat(Repeat::Backoff));
                board.observe();
            }
            // A stream that breaks off can't be sent elsewhere, so no other endpoint is asked.
            None => record(&board, EndpointPermit { index, epoch, suspensions, trial: None }, outcome, Others::Silent),
        }
    }
}

/// Records that an attempt was dropped without an answer: a failure when its caller gave up after waiting for
/// `abandoned_after`, or when this thread panics, and else nothing. The end of the runtime is nothing.
#[cold]
pub(crate) fn record_drop(board: &Switchboard, permit: EndpointPermit, waiting_since: Option<Instant>) {
    let abandoned_after = board.live.abandoned_after.load();
    let is_abandoned = || Some(waiting_since?.elapsed() >= abandoned_after?);
    if std::thread::panicking() {
        record(board, permit, Outcome::failure(FailureKind::Unknown), Others::Silent);
    } else if is_abandoned() == Some(true) && !is_runtime_ending() {
        record(board, permit, Outcome::failure(FailureKind::Timeout), Others::Silent);
    }
}

// === impl Failed ===

impl Failed {
    /// Keeps a failed attempt until the other endpoint has spoken.
    pub(crate) fn new(permit: EndpointPermit, outcome: Outcome) -> Self {
        Self { permit, outcome }
    }

    /// Records the failure.
    #[cold]
    pub(crate) fn record(self, board: &Switchboard, others: Others) {
        record(board, self.permit, self.outcome, others);
    }

    /// Records an answer that is missing after a delay that was not measured: it only asks for a probe.
    #[cold]
    pub(crate) fn record_silence(self, board: &Switchboard) {
        record_silence(board, &self.permit);
    }

    /// Records this failure and the other endpoint's: the request has failed everywhere.
    #[cold]
    pub(crate) fn record_both(self, board: &Switchboard, other: Self) {
        self.record(board, Others::Failed);
        other.record(board, Others::Failed);
        board.record_failed_everywhere();
    }
}

// === impl Sent ===

impl Sent {
    pub(crate) fn of(permit: &EndpointPermit) -> Self {
        Self { index: permit.index, epoch: permit.epoch, suspensions: permit.suspensions }
    }
}
