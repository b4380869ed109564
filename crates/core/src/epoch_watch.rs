//! A watch channel that ends at the newest change, whichever thread sends last.
//!
//! A handle changes its state under a lock and publishes the change after it, because subscribers may read the handle.
//! Two threads may therefore publish in the wrong order. Every change has an epoch, and an older epoch never overwrites a
//! newer one. Publishing under the handle's lock was rejected: a reader that holds a borrow of the channel and then reads
//! the handle would deadlock.

use crate::sync::{
    atomic::{AtomicU64, Ordering::Relaxed},
    watch,
};

/// The sending side of a watch channel whose values have epochs.
#[derive(Debug)]
pub struct EpochWatch<T> {
    sender: watch::Sender<T>,
    /// The epoch of the value. Read and written under the channel's lock.
    epoch: AtomicU64,
}

// === impl EpochWatch ===

impl<T> EpochWatch<T> {
    /// Creates a channel with the value of epoch 0.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { sender: watch::Sender::new(value), epoch: AtomicU64::new(0) }
    }

    /// Changes the value to that of this epoch, unless a newer epoch was sent. `change` returns whether receivers wake.
    pub fn send(&self, epoch: u64, change: impl FnOnce(&mut T) -> bool) {
        self.sender.send_if_modified(|value| {
            if epoch < self.epoch.load(Relaxed) {
                return false;
            }
            self.epoch.store(epoch, Relaxed);
            change(value)
        });
    }

    /// Changes the value without a new epoch. `change` returns whether receivers wake.
    pub fn modify(&self, change: impl FnOnce(&mut T) -> bool) {
        self.sender.send_if_modified(change);
    }

    /// Returns a new receiver, which has seen the current value.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<T> {
        self.sender.subscribe()
    }

    /// Returns a borrow of the current value. Drop it soon: it locks the channel.
    pub fn borrow(&self) -> watch::Ref<'_, T> {
        self.sender.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_epoch_does_not_overwrite_a_newer_one() {
        let watch = EpochWatch::new("first");
        let receiver = watch.subscribe();
        let send = |epoch, value| {
            watch.send(epoch, |current| {
                *current = value;
                true
            });
        };
        send(2, "second change");
        send(1, "first change");
        assert_eq!(*watch.borrow(), "second change");
        assert!(receiver.has_changed().unwrap());
        send(3, "third change");
        assert_eq!(*receiver.borrow(), "third change");
    }
}
