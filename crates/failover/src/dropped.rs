//! What a request that its caller drops says of the endpoints that it waits for.

use std::time::Duration;

use mainstay_core::{FailureKind, Outcome, is_runtime_ending};

use crate::{
    evidence::{count_dropped, record},
    failed::{Failed, record_failed},
    history::History,
    permit::EndpointPermit,
    second_attempt::is_overdue,
    switchboard::Switchboard,
    weight::Others,
};

/// An attempt that waits for its answer.
pub(crate) struct Waiting {
    pub(crate) permit: EndpointPermit,
    /// How long it has waited; `None` if it was not found waiting.
    pub(crate) waited: Option<Duration>,
}

/// Records that an attempt was dropped without an answer: a failure when its caller gave up after waiting for
/// `abandoned_after`, and else nothing. A thread that panics elsewhere, or a runtime that ends, drops the attempt too:
/// that says nothing.
#[cold]
pub(crate) fn record_drop(board: &Switchboard, permit: EndpointPermit, waited: Option<Duration>, history: &History) {
    history.note_sent(board.id, permit.index);
    if has_given_up(board, waited) {
        record(board, permit, Outcome::failure(FailureKind::Timeout), Others::Silent, history);
    } else {
        count_dropped(board, &permit);
    }
}

/// Records that a request was dropped whose second attempt had started. `failed` is the failure of the attempt that does
/// not wait. A request that is given up has failed everywhere, as far as the second endpoint had the time to answer.
#[cold]
pub(crate) fn record_dropped(
    board: &Switchboard,
    first: Option<Waiting>,
    second: Option<Waiting>,
    failed: Option<Failed>,
    history: &History,
) {
    let waited = |waiting: &Option<Waiting>| waiting.as_ref().and_then(|waiting| waiting.waited);
    let is_overdue = second.as_ref().is_none_or(|second| {
        is_overdue(&board.endpoints[second.permit.index], &board.live, second.waited.unwrap_or_default())
    });
    let gives_up = is_overdue && has_given_up(board, waited(&first).max(waited(&second)));
    match (first, second, failed) {
        (Some(first), Some(second), _) if gives_up => {
            record_failed(board, history, Some(first.give_up()), Some(second.give_up()));
        }
        (Some(waiting), None, Some(failed)) | (None, Some(waiting), Some(failed)) if gives_up => {
            record_failed(board, history, Some(failed), Some(waiting.give_up()));
        }
        (first, second, failed) => {
            if let Some(Waiting { permit, waited }) = first {
                record_drop(board, permit, waited, history);
            }
            if let Some(second) = second {
                count_dropped(board, &second.permit);
            }
            if let Some(failed) = failed {
                failed.record(board, history, Others::Silent);
            }
        }
    }
}

/// Whether a request that was dropped after this wait counts as given up by its caller.
fn has_given_up(board: &Switchboard, waited: Option<Duration>) -> bool {
    let is_abandoned = || Some(waited? >= board.live.abandoned_after.load()?);
    !std::thread::panicking() && is_abandoned() == Some(true) && !is_runtime_ending()
}

// === impl Waiting ===

impl Waiting {
    fn give_up(self) -> Failed {
        Failed::new(self.permit, Outcome::failure(FailureKind::Timeout))
    }
}
