//! What a missing answer says of an endpoint.

use std::time::Duration;

use mainstay_core::{FailureKind, Outcome};

use crate::{
    evidence::{count_dropped, record},
    history::{Count, History},
    permit::EndpointPermit,
    second_attempt::is_delay_measured,
    sent::Sent,
    switchboard::Switchboard,
    weight::{Others, Weight},
};

/// Records that an endpoint has not answered within the delay. Its answer still counts when it comes.
#[cold]
pub(crate) fn record_silence(board: &Switchboard, permit: &EndpointPermit) {
    if permit.trial.is_none() {
        board.record_failure(Sent::of(permit), Weight::SILENCE);
    }
}

/// Records that an endpoint has not answered for `abandoned_after`, and that no other endpoint was asked. Counts as its failure would, and the failure then counts no more.
#[cold]
pub(crate) fn record_long_silence(board: &Switchboard, permit: &EndpointPermit, history: &mut History) {
    let (sent, index) = (Sent::of(permit), permit.index);
    if permit.trial.is_some() || !board.is_current(sent) {
        return;
    }
    board.record_unanswered(index);
    history.begin();
    let is_alone = history.others(board.id, index, Others::Silent) == Others::Silent;
    if is_alone && history.count(board.id, board.epoch(), index, Weight::LONG_SILENCE) == Count::Failure {
        board.endpoints[index].kinds.record(&Outcome::failure(FailureKind::Timeout));
        board.record_failure(sent, Weight::LONG_SILENCE);
    }
}

/// Records that another endpoint has answered while this attempt was still waiting, for so long. `others` is what that answer
/// says.
pub(crate) fn record_overtaken(
    board: &Switchboard,
    permit: EndpointPermit,
    waited: Option<Duration>,
    others: Others,
    history: &History,
) {
    let endpoint = &board.endpoints[permit.index];
    if let Some(waited) = waited {
        endpoint.latency.record_at_least(waited);
        board.record_time(permit.index, waited);
    }
    match is_delay_measured(endpoint, &board.live) {
        true => record(board, permit, Outcome::failure(FailureKind::Timeout), others, history),
        false => {
            record_silence(board, &permit);
            count_dropped(board, &permit);
        }
    }
}
