//! A wait that loses no wake-up: subscribe, look, wait, and look again after every wake-up.
//!
//! A change between a look and the subscription wakes no task. Each look that lets a task sleep must therefore come after
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
    /// Returns what `look` finds. While it finds nothing, registers the task for the next change.
    ///
    /// `look` runs once before the first subscription, which costs nothing if it finds something, and once after it.
    #[inline]
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        subscribe: impl Fn() -> Change,
        mut look: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(found) = look(cx) {
                self.0 = None;
                return Poll::Ready(found);
            }
            if self.is_unchanged(cx, &subscribe) {
                return Poll::Pending;
            }
        }
    }

    /// Returns whether there was no change since before the last look. Subscribes if needed.
    #[cold]
    fn is_unchanged(&mut self, cx: &mut Context<'_>, subscribe: impl Fn() -> Change) -> bool {
        let looked_after_subscription = self.0.is_some();
        let change = self.0.get_or_insert_with(subscribe);
        match change.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.0 = None;
                false
            }
            Poll::Pending => looked_after_subscription,
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
    fn change_between_look_and_subscription_is_seen() {
        let (sender, mut cx) = (watch::Sender::new(false), Context::from_waker(Waker::noop()));
        let looks = Cell::new(0);
        let found = Wait::default().poll(
            &mut cx,
            || change(&sender),
            |_| {
                looks.set(looks.get() + 1);
                let found = if *sender.borrow() { Poll::Ready(()) } else { Poll::Pending };
                if looks.get() == 1 {
                    sender.send_replace(true);
                }
                found
            },
        );
        assert_eq!((found, looks.get()), (Poll::Ready(()), 2));
    }

    #[test]
    fn waiting_task_looks_again_after_every_change() {
        let (sender, mut cx) = (watch::Sender::new(0), Context::from_waker(Waker::noop()));
        let mut wait = Wait::default();
        let mut poll = |sender: &watch::Sender<u32>| {
            let look = |_: &mut Context<'_>| if *sender.borrow() == 2 { Poll::Ready(()) } else { Poll::Pending };
            wait.poll(&mut cx, || change(sender), look)
        };
        assert!(poll(&sender).is_pending());
        sender.send_replace(1);
        assert!(poll(&sender).is_pending());
        sender.send_replace(2);
        assert!(poll(&sender).is_ready());
    }
}
