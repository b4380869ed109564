//! The evidence of one request: what the outcomes of its attempts change.
//!
//! A success is recorded at once. What a failure counts for depends on what the other endpoint says to the same request
//! ([weight](crate::weight)), so a failed attempt waits as [`Failed`](crate::failed::Failed) while another attempt runs.
//! The [history](crate::history) of the request contains what its earlier attempts have found.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use mainstay_core::{Follow, Outcome, Overload, Repeat};

use crate::{
    history::{Count, History},
    permit::EndpointPermit,
    sent::Sent,
    switchboard::Switchboard,
    weight::{Others, Weight, weigh},
};

/// Records the outcome of an attempt, given what the other endpoints said to the request.
#[inline]
pub(crate) fn record(board: &Switchboard, permit: EndpointPermit, outcome: Outcome, others: Others, history: &History) {
    match permit {
        EndpointPermit { index, epoch, trial: None, .. } if outcome.is_success() => {
            record_success(board, index, epoch);
            record_proofs(board, index, history);
        }
        permit => record_slowly(board, permit, outcome, others, history),
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

/// Raises the failures of earlier attempts at other endpoints to proven: this one has answered the request well.
#[inline]
fn record_proofs(board: &Switchboard, index: usize, history: &History) {
    #[cold]
    fn record(board: &Switchboard, index: usize, history: &History) {
        history.prove(board.id, board.epoch(), index).for_each(|failed| board.record_proof(failed));
    }
    if history.is_repeat(board.id) {
        record(board, index, history);
    }
}

#[cold]
fn record_slowly(
    board: &Switchboard,
    permit: EndpointPermit,
    outcome: Outcome,
    in_this_call: Others,
    history: &History,
) {
    let sent = Sent::of(&permit);
    let EndpointPermit { index, epoch, trial, .. } = permit;
    let Some(endpoint) = board.endpoints.get(index) else { return };
    note_sent(board, index, &outcome, history);
    if outcome.is_success() {
        record_proofs(board, index, history);
    }
    // A server's wish to be asked later does not change a hold.
    let outcome = outcome.with_repeat(Repeat::Backoff);
    let others = history.others(board.id, index, in_this_call);
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
            history.count(board.id, board.epoch(), index, weight);
            board.observe();
        }
        None => {
            endpoint.breaker.record_at(epoch, outcome);
            // What was sent before a change or a suspension changes nothing.
            if !outcome.is_failure() || !board.is_current(sent) {
                return;
            }
            endpoint.kinds.record(&outcome);
            let failed = history.failed(board.id);
            match history.count(board.id, board.epoch(), index, weight) {
                Count::Failure => board.record_failure(sent, weight),
                Count::Proof => board.record_proof(index),
                Count::Nothing => return,
            }
            // Two attempts of one call that fail record this once for both.
            if failed == 1 && in_this_call == Others::Silent && others == Others::Failed && weight != Weight::Nothing {
                board.record_failed_everywhere(&outcome);
            }
        }
    }
}

/// Notes that the endpoint was asked. After a refusal by a layer below it was not. After a 429 a repeat must not go
/// elsewhere if a second attempt must not.
fn note_sent(board: &Switchboard, index: usize, outcome: &Outcome, history: &History) {
    let stays = match outcome {
        Outcome::Rejected { .. } => true,
        Outcome::Overloaded { whose: Overload::Caller, .. } => !board.live.on_rate_limited.load(Relaxed),
        _ => false,
    };
    if !stays {
        history.note_sent(board.id, index);
    }
}

/// Records an error of an endpoint's readiness: the request could not be handed over.
#[cold]
pub(crate) fn record_unready(board: &Switchboard, index: usize, epoch: u64, outcome: Outcome) {
    let Some(endpoint) = board.endpoints.get(index) else { return };
    endpoint.breaker.record_at(epoch, outcome.with_repeat(Repeat::Backoff));
    if outcome.is_failure() {
        let sent = Sent { index, epoch, period: endpoint.ask.period() };
        board.record_failure(sent, Weight::Connect { proven: false });
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
    history: &History,
    outcome: Outcome,
    answer: Result<Res, E>,
) -> Result<Res, E>
where
    P: Follow<Res>,
{
    match answer {
        Ok(response) if outcome.is_success() && policy.is_streaming(&response) => match permit.take() {
            Some(permit) => {
                record_proofs(board, permit.index, history);
                Ok(policy.follow(response, at_the_end(board, permit, history.clone())))
            }
            None => Ok(response),
        },
        answer => {
            match *permit {
                Some(EndpointPermit { index, epoch, trial: None, .. }) if outcome.is_success() => {
                    *permit = None;
                    record_success(board, index, epoch);
                    record_proofs(board, index, history);
                }
                _ => {
                    if let Some(permit) = permit.take() {
                        record_slowly(board, permit, outcome, Others::Silent, history);
                    }
                }
            }
            answer
        }
    }
}

/// Returns what a stream calls with its end. The stream does not keep the failover alive.
fn at_the_end(
    board: &Arc<Switchboard>,
    permit: EndpointPermit,
    history: History,
) -> impl FnOnce(Outcome) + Send + Sync + 'static {
    let EndpointPermit { index, epoch, period, trial } = permit;
    let (board, trial) = (Arc::downgrade(board), trial.map(|permit| permit.record_on_end()));
    move |outcome| {
        let Some(board) = board.upgrade() else { return };
        match trial {
            Some(record) => {
                record(outcome.with_repeat(Repeat::Backoff));
                board.observe();
            }
            // A stream that breaks off can't be sent elsewhere, so no other endpoint is asked.
            None => {
                let permit = EndpointPermit { index, epoch, period, trial: None };
                record(&board, permit, outcome, Others::Silent, &history);
            }
        }
    }
}

/// Counts an attempt that was dropped without an answer and that counts for nothing.
#[cold]
pub(crate) fn count_dropped(board: &Switchboard, permit: &EndpointPermit) {
    // The permit of a trial call counts itself.
    if permit.trial.is_none() {
        board.endpoints[permit.index].breaker.record_dropped();
    }
}
