//! A failed attempt whose weight is not known yet.

use mainstay_core::{FailureKind, Outcome};

use crate::{evidence::record, history::History, permit::EndpointPermit, switchboard::Switchboard, weight::Others};

/// An attempt that has failed, until it is known what the other endpoint says to the request.
#[derive(Debug)]
pub(crate) struct Failed {
    permit: EndpointPermit,
    outcome: Outcome,
}

/// Records what is left of two attempts that have ended without a success. If both have failed, the request has failed
/// everywhere.
pub(crate) fn record_failed(board: &Switchboard, history: &History, first: Option<Failed>, second: Option<Failed>) {
    match (first, second) {
        (Some(first), Some(second)) => {
            let (earlier, outcome) = (history.failed(board.id), second.outcome);
            first.record(board, history, Others::Failed);
            second.record(board, history, Others::Failed);
            if earlier < 2 {
                board.record_failed_everywhere(&outcome);
            }
        }
        (Some(failed), None) | (None, Some(failed)) => failed.record(board, history, Others::Silent),
        (None, None) => {}
    }
}

/// Records a panic of an attempt, with the failure of the request's other attempt, if that has ended.
#[cold]
pub(crate) fn record_panic(
    board: &Switchboard,
    history: &History,
    permit: &mut Option<EndpointPermit>,
    other: Option<&mut Option<Failed>>,
) {
    let failed = permit.take().map(|permit| Failed::new(permit, Outcome::failure(FailureKind::Unknown)));
    record_failed(board, history, other.and_then(Option::take), failed);
}

// === impl Failed ===

impl Failed {
    /// Keeps a failed attempt until the other endpoint has answered.
    pub(crate) fn new(permit: EndpointPermit, outcome: Outcome) -> Self {
        Self { permit, outcome }
    }

    /// Records the failure.
    #[cold]
    pub(crate) fn record(self, board: &Switchboard, history: &History, others: Others) {
        record(board, self.permit, self.outcome, others, history);
    }
}
