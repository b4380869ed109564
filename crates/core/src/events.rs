//! What happens at a handle, as a stream: retries, changes of state, refusals.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

use crate::Name;

/// The number of events that are kept for a subscriber that does not receive them.
pub const EVENTS_KEPT: usize = 256;

/// The events of a handle, from the subscription on, in their order.
///
/// A subscriber that falls behind by more than [`EVENTS_KEPT`] events loses the oldest, and [`Received::lost`] of the next one
/// says how many. It never delays the handle. Dropping it ends the subscription.
///
/// ```
/// use mainstay_core::{EventSender, Events};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sender = EventSender::new();
/// let mut events: Events<&str> = sender.subscribe();
/// sender.send(&"orders".into(), || "opened");
/// let received = events.recv().await.expect("the handle exists");
/// assert_eq!((received.name.as_str(), received.event, received.lost), ("orders", "opened", 0));
/// drop(sender);
/// assert!(events.recv().await.is_none());
/// # }
/// ```
pub struct Events<E> {
    receiver: broadcast::Receiver<Numbered<E>>,
    /// The number of the next event.
    next: u64,
}

/// One event of a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received<E> {
    /// The name of the handle: in a keyed store, that of the key's handle.
    pub name: Name,
    /// What happened.
    pub event: E,
    /// The number of events directly before this one that the subscriber has lost, because it fell behind.
    pub lost: u64,
}

/// An event with its number, from 1 without gaps.
#[derive(Clone)]
pub(crate) struct Numbered<E> {
    pub(crate) number: u64,
    pub(crate) name: Name,
    pub(crate) event: E,
}

// === impl Events ===

impl<E: Clone> Events<E> {
    pub(crate) fn new(receiver: broadcast::Receiver<Numbered<E>>, next: u64) -> Self {
        Self { receiver, next }
    }

    /// Receives the next event, or `None` once the handle and its clones are dropped. If the future is dropped, no event is
    /// lost.
    pub async fn recv(&mut self) -> Option<Received<E>> {
        loop {
            match self.receiver.recv().await {
                Ok(numbered) => {
                    if let Some(received) = self.received(numbered) {
                        return Some(received);
                    }
                }
                // The number of the next event tells how many are lost.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Receives the next event if it is there.
    pub fn try_recv(&mut self) -> Option<Received<E>> {
        loop {
            match self.receiver.try_recv() {
                Ok(numbered) => {
                    if let Some(received) = self.received(numbered) {
                        return Some(received);
                    }
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    /// Calls the hook with each event, until the handle is dropped. A hook that panics is called again with the next event,
    /// and the panic is logged.
    ///
    /// Spawn it: `tokio::spawn(retrier.events().for_each(|received| ..))`. A hook must not block its thread.
    pub async fn for_each(mut self, mut hook: impl FnMut(Received<E>)) {
        while let Some(received) = self.recv().await {
            let name = received.name.clone();
            if catch_unwind(AssertUnwindSafe(|| hook(received))).is_err() {
                tracing::error!(handle = %name, "a hook panicked");
            }
        }
    }

    fn received(&mut self, Numbered { number, name, event }: Numbered<E>) -> Option<Received<E>> {
        // An event from before the subscription that was not sent yet.
        let lost = number.checked_sub(self.next)?;
        self.next = number + 1;
        Some(Received { name, event, lost })
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("next", &self.next).finish_non_exhaustive()
    }
}
