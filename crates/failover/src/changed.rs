//! The wait for a change of any endpoint.

use std::pin::Pin;

use crate::switchboard::Switchboard;

/// A future that ends with the next change of any endpoint.
pub(crate) type Changed = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Waits for the next change of any endpoint after this call.
pub(crate) fn changed(board: &Switchboard) -> Changed {
    let mut receiver = board.watch();
    Box::pin(async move { drop(receiver.changed().await) })
}
