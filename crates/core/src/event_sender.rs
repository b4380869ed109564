//! The sending side of a handle's events.
//!
//! A handle creates the channel for its first subscriber. Before that an event costs one load, and no event is on the path
//! of a call that succeeds. A handle that changes its state under a lock adds the event under that lock, which fixes the
//! order, and sends it after the lock: a waker may read the handle.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::broadcast;

use crate::{
    Name,
    events::{EVENTS_KEPT, Events, Numbered},
    on_panic,
};

/// The sending side of a handle's events. Sending never waits for a subscriber.
pub struct EventSender<E>(OnceLock<Box<Channel<E>>>);

struct Channel<E> {
    subscribers: broadcast::Sender<Numbered<E>>,
    queue: Mutex<Queue<E>>,
}

/// The events that are not sent yet.
struct Queue<E> {
    events: VecDeque<Numbered<E>>,
    /// The number of events so far.
    count: u64,
    /// Whether a thread sends the events of this queue.
    is_sending: bool,
}

// === impl EventSender ===

impl<E: Clone> EventSender<E> {
    /// Creates a sender without a channel.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Subscribes to the events from now on.
    #[must_use]
    pub fn subscribe(&self) -> Events<E> {
        let channel = self.0.get_or_init(|| Box::new(Channel::new()));
        let queue = channel.queue();
        Events::new(channel.subscribers.subscribe(), queue.count + 1)
    }

    /// Sends an event, which is made only if there is a subscriber.
    #[inline]
    pub fn send(&self, name: &Name, event: impl FnOnce() -> E) {
        if let Some(channel) = self.0.get() {
            channel.push(name, event);
            channel.send_queued();
        }
    }

    /// Adds an event, in the owner's lock. [`send_queued`](Self::send_queued) sends it, after the lock.
    #[inline]
    pub fn push(&self, name: &Name, event: impl FnOnce() -> E) {
        if let Some(channel) = self.0.get() {
            channel.push(name, event);
        }
    }

    /// Sends the events that were added, outside of the owner's lock.
    #[inline]
    pub fn send_queued(&self) {
        if let Some(channel) = self.0.get() {
            channel.send_queued();
        }
    }
}

impl<E> Default for EventSender<E> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<E> fmt::Debug for EventSender<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subscribers = self.0.get().map_or(0, |channel| channel.subscribers.receiver_count());
        f.debug_struct("EventSender").field("subscribers", &subscribers).finish()
    }
}

// === impl Channel ===

impl<E> Channel<E> {
    fn queue(&self) -> MutexGuard<'_, Queue<E>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Clone> Channel<E> {
    fn new() -> Self {
        let queue = Queue { events: VecDeque::new(), count: 0, is_sending: false };
        Self { subscribers: broadcast::Sender::new(EVENTS_KEPT), queue: Mutex::new(queue) }
    }

    #[cold]
    fn push(&self, name: &Name, event: impl FnOnce() -> E) {
        if self.subscribers.receiver_count() == 0 {
            return;
        }
        // Outside of the queue's lock: it is the owner's code.
        let event = event();
        let mut queue = self.queue();
        queue.count += 1;
        let number = queue.count;
        if queue.events.len() == EVENTS_KEPT {
            queue.events.pop_front();
        }
        queue.events.push_back(Numbered { number, name: name.clone(), event });
    }

    #[cold]
    fn send_queued(&self) {
        let mut queue = self.queue();
        // The thread that sends takes the events of others, too, so that all are sent in the order of the queue.
        if queue.is_sending {
            return;
        }
        while let Some(event) = queue.events.pop_front() {
            queue.is_sending = true;
            drop(queue);
            // Wakes the subscribers.
            let sent = on_panic(|| self.queue().is_sending = false, || self.subscribers.send(event));
            drop(sent);
            queue = self.queue();
        }
        queue.is_sending = false;
    }
}
