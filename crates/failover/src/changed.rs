//! The wait for a change of any endpoint.

use mainstay_core::Change;

use crate::switchboard::Switchboard;

/// Completes at the next change of any endpoint after this call.
pub(crate) fn changed(board: &Switchboard) -> Change {
    let mut receiver = board.watch();
    Box::pin(async move {
        receiver.changed().await;
    })
}
