//! The evidence of one request: what the outcome of an attempt changes.
//!
//! An outcome goes to the endpoint's breaker. When that changes the breaker's state, the
//! [switchboard](crate::switchboard) brings the route up to date.

use std::sync::Arc;

use mainstay_circuit_breaker::Permit;
use mainstay_core::{FailureKind, Follow, Outcome};
use tokio::time::Instant;

use crate::{permit::EndpointPermit, switchboard::Switchboard};

/// Records the outcome of an attempt.
#[inline]
pub(crate) fn record(board: &Switchboard, permit: EndpointPermit, outcome: Outcome) {
    let EndpointPermit { index, epoch, trial } = permit;
    match trial {
        Some(trial) => record_trial(board, *trial, outcome),
        None => record_at(board, index, epoch, outcome),
    }
}

/// Records the outcome of an attempt that was sent in this epoch of the endpoint's breaker. An outcome of an older epoch
/// changes nothing.
#[inline]
pub(crate) fn record_at(board: &Switchboard, index: usize, epoch: u64, outcome: Outcome) {
    let Some(endpoint) = board.endpoints.get(index) else { return };
    endpoint.breaker.record_at(epoch, outcome);
    if endpoint.breaker.epoch() != epoch {
        board.observe();
    }
}

#[cold]
fn record_trial(board: &Switchboard, trial: Permit, outcome: Outcome) {
    trial.record(outcome);
    board.observe();
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
            if let Some(EndpointPermit { index, epoch, trial: None }) = *permit {
                *permit = None;
                record_at(board, index, epoch, outcome);
            } else if let Some(permit) = permit.take() {
                record(board, permit, outcome);
            }
            answer
        }
    }
}

/// Returns what a stream calls with its end. The stream does not keep the failover alive.
fn at_the_end(board: &Arc<Switchboard>, permit: EndpointPermit) -> impl FnOnce(Outcome) + Send + Sync + 'static {
    let EndpointPermit { index, epoch, trial } = permit;
    let (board, trial) = (Arc::downgrade(board), trial.map(|permit| permit.record_on_end()));
    move |outcome| {
        let Some(board) = board.upgrade() else { return };
        match trial {
            Some(record) => {
                record(outcome);
                board.observe();
            }
            None => record_at(&board, index, epoch, outcome),
        }
    }
}

/// Records that an attempt was dropped without an answer: a failure when its caller gave up after waiting for
/// `abandoned_after`, or when this thread panics, and else nothing.
#[cold]
pub(crate) fn record_drop(board: &Switchboard, permit: EndpointPermit, waiting_since: Option<Instant>) {
    let abandoned_after = board.live.abandoned_after.load();
    let is_abandoned = || Some(waiting_since?.elapsed() >= abandoned_after?);
    if std::thread::panicking() {
        record(board, permit, Outcome::failure(FailureKind::Unknown));
    } else if is_abandoned() == Some(true) {
        record(board, permit, Outcome::failure(FailureKind::Timeout));
    }
}
