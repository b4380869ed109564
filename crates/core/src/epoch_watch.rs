//! A watch channel that ends at the newest change, whichever thread sends last.
//!
//! A handle changes its state under a lock and publishes the change after it, because subscribers may read the handle.
//! Two threads may therefore publish in the wrong order. Every change has an epoch, and an older epoch never overwrites a
//! newer one. Publishing under the handle's lock was rejected: a reader that holds a borrow of the channel and then reads
//! the handle would deadlock.
//!
//! The channel is made with the first change or receiver. A tokio channel takes 400 bytes, and most handles of a keyed
//! store never change.

use std::sync::OnceLock;

use crate::sync::{
    atomic::{AtomicU64, Ordering::Relaxed},
    watch,
};

/// The sending side of a watch channel whose values have epochs.
#[derive(Debug)]
pub struct EpochWatch<T> {
    sender: OnceLock<watch::Sender<T>>,
    /// The value before the first change.
    first: T,
    /// The epoch of the value. Read and written under the channel's lock.
    epoch: AtomicU64,
}

/// The receiving side of a watch channel, which returns copies of the value.
///
/// tokio's receiver lends the value and locks the channel meanwhile: a `match` on it that calls the handle in one of its
/// arms deadlocks if the handle publishes. A copy locks nothing.
#[derive(Clone, Debug)]
pub struct StateReceiver<T>(watch::Receiver<T>);

// === impl EpochWatch ===

impl<T: Clone> EpochWatch<T> {
    /// Creates a channel with the value of epoch 0.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { sender: OnceLock::new(), first: value, epoch: AtomicU64::new(0) }
    }

    fn sender(&self) -> &watch::Sender<T> {
        self.sender.get_or_init(|| watch::Sender::new(self.first.clone()))
    }

    /// Changes the value to that of this epoch, unless a newer epoch was sent. `change` returns whether receivers wake.
    pub fn send(&self, epoch: u64, change: impl FnOnce(&mut T) -> bool) {
        self.sender().send_if_modified(|value| {
            if epoch < self.epoch.load(Relaxed) {
                return false;
            }
            self.epoch.store(epoch, Relaxed);
            change(value)
        });
    }

    /// Changes the value without a new epoch. `change` returns whether receivers wake.
    pub fn modify(&self, change: impl FnOnce(&mut T) -> bool) {
        self.sender().send_if_modified(change);
    }

    /// Wakes the receivers without a change.
    pub fn wake(&self) {
        // Without a channel there is no receiver.
        if let Some(sender) = self.sender.get() {
            sender.send_if_modified(|_| true);
        }
    }

    /// Returns a new receiver, which has seen the current value.
    #[must_use]
    pub fn subscribe(&self) -> StateReceiver<T> {
        self.sender().subscribe().into()
    }

    /// Returns a copy of the current value.
    #[must_use]
    pub fn get(&self) -> T {
        self.sender.get().map_or_else(|| self.first.clone(), |sender| sender.borrow().clone())
    }
}

// === impl StateReceiver ===

impl<T: Clone> StateReceiver<T> {
    /// Returns the current value.
    #[must_use]
    pub fn get(&self) -> T {
        self.0.borrow().clone()
    }

    /// Waits for the next change and returns the new value, or `None` once the sender is dropped.
    pub async fn changed(&mut self) -> Option<T> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }

    /// Waits until a value meets the condition, which the current one may do, and returns it. Returns `None` once the
    /// sender is dropped. The condition runs without a lock.
    pub async fn wait_for(&mut self, mut is_met: impl FnMut(&T) -> bool) -> Option<T> {
        loop {
            let value = self.0.borrow_and_update().clone();
            if is_met(&value) {
                return Some(value);
            }
            self.0.changed().await.ok()?;
        }
    }
}

impl<T> From<watch::Receiver<T>> for StateReceiver<T> {
    fn from(receiver: watch::Receiver<T>) -> Self {
        Self(receiver)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn channel_is_made_with_the_first_receiver_or_change() {
        let watch = EpochWatch::new(1);
        watch.wake();
        assert!(watch.get() == 1 && watch.sender.get().is_none());
        let mut receiver = watch.subscribe();
        assert_eq!(receiver.get(), 1);
        watch.wake();
        assert_eq!(now(receiver.changed()), Some(1));
        watch.modify(|value| std::mem::replace(value, 2) == 1);
        assert_eq!((watch.get(), receiver.get()), (2, 2));
    }

    #[test]
    fn older_epoch_does_not_overwrite_a_newer_one() {
        let watch = EpochWatch::new("first");
        let mut receiver = watch.subscribe();
        let send = |epoch, value| {
            watch.send(epoch, |current| {
                *current = value;
                true
            });
        };
        send(2, "second change");
        send(1, "first change");
        assert_eq!(watch.get(), "second change");
        assert_eq!(now(receiver.changed()), Some("second change"));
        send(3, "third change");
        assert_eq!(receiver.get(), "third change");
        assert_eq!(now(receiver.changed()), Some("third change"));
        drop(watch);
        assert_eq!(now(receiver.wait_for(|value| *value == "fourth change")), None);
    }

    fn now<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("pending"),
        }
    }
}
