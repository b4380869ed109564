//! A wait that misses no wake-up: subscribe, check, wait, and check again after every wake-up.
//!
//! A change between a check and the subscription wakes no task. The check before a task sleeps must therefore come after
//! the subscription. [`Wait::poll`] keeps this order for every service of the workspace.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// A subscription: a future that completes at the next change after its first poll. Boxed: present only while a task
/// waits.
pub type Change = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// The wait of one service for a condition that other tasks change.
#[derive(Default)]
pub struct Wait(Option<Change>);

// === impl Wait ===

impl Wait {
    /// Returns the result of `check`. While `check` is pending, registers the task for the next change.
    ///
    /// `check` runs once before the first subscription, so that a ready result needs no subscription, and once after it.
    #[inline]
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        subscribe: impl Fn() -> Change,
        mut check: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(found) = check(cx) {
                self.0 = None;
                return Poll::Ready(found);
            }
            if self.is_unchanged(cx, &subscribe) {
                return Poll::Pending;
            }
        }
    }

    /// Returns whether there was no change since before the last check. Subscribes if needed.
    #[cold]
    fn is_unchanged(&mut self, cx: &mut Context<'_>, subscribe: impl Fn() -> Change) -> bool {
        let checked_after_subscription = self.0.is_some();
        let change = self.0.get_or_insert_with(subscribe);
        match change.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.0 = None;
                false
            }
            Poll::Pending => checked_after_subscription,
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wait").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Waker};

    use tokio::sync::watch;

    use super::*;

    fn change<T: Send + Sync + 'static>(sender: &watch::Sender<T>) -> Change {
        let mut receiver = sender.subscribe();
        Box::pin(async move { drop(receiver.changed().await) })
    }

    #[test]
    fn change_between_check_and_subscription_is_seen() {
        let (sender, mut cx) = (watch::Sender::new(false), Context::from_waker(Waker::noop()));
        let checks = Cell::new(0);
        let found = Wait::default().poll(
            &mut cx,
            || change(&sender),
            |_| {
                checks.set(checks.get() + 1);
                let found = if *sender.borrow() { Poll::Ready(()) } else { Poll::Pending };
                if checks.get() == 1 {
                    sender.send_replace(true);
                }
                found
            },
        );
        assert_eq!((found, checks.get()), (Poll::Ready(()), 2));
    }

    #[test]
    fn waiting_task_checks_again_after_every_change() {
        let (sender, mut cx) = (watch::Sender::new(0), Context::from_waker(Waker::noop()));
        let mut wait = Wait::default();
        let mut poll = |sender: &watch::Sender<u32>| {
            let check = |_: &mut Context<'_>| if *sender.borrow() == 2 { Poll::Ready(()) } else { Poll::Pending };
            wait.poll(&mut cx, || change(sender), check)
        };
        assert!(poll(&sender).is_pending());
        sender.send_replace(1);
        assert!(poll(&sender).is_pending());
        sender.send_replace(2);
        assert!(poll(&sender).is_ready());
    }
}
