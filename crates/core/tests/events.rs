//! Events of a handle: their order, what a slow subscriber loses, and the effect of a panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use mainstay_core::{EVENTS_KEPT, EventSender, Name};

const NAME: Name = Name::literal("orders");

#[tokio::test]
async fn subscriber_receives_the_events_since_its_subscription() {
    let sender = EventSender::new();
    sender.send(&NAME, || panic!("without a subscriber no event is made"));
    let mut first = sender.subscribe();
    sender.send(&NAME, || 1);
    let mut second = sender.subscribe();
    sender.send(&NAME, || 2);
    drop(sender);
    let mut received = Vec::new();
    while let Some(event) = first.recv().await {
        received.push((event.event, event.lost));
    }
    assert_eq!(received, [(1, 0), (2, 0)]);
    assert_eq!(second.recv().await.unwrap().event, 2);
    assert!(second.recv().await.is_none());
    drop((first, second));
}

#[test]
fn event_is_not_made_after_the_last_subscriber_is_gone() {
    let sender = EventSender::new();
    drop(sender.subscribe());
    sender.send(&NAME, || -> u32 { panic!("without a subscriber no event is made") });
}

#[test]
fn slow_subscriber_loses_the_oldest_and_learns_how_many() {
    let sender = EventSender::new();
    let mut events = sender.subscribe();
    let sent = EVENTS_KEPT as u64 + 44;
    (0..sent).for_each(|event| sender.send(&NAME, || event));
    let first = events.try_recv().unwrap();
    assert_eq!((first.event, first.lost), (44, 44));
    let rest: Vec<_> = std::iter::from_fn(|| events.try_recv()).collect();
    assert_eq!(rest.len(), EVENTS_KEPT - 1);
    assert!(rest.iter().all(|received| received.lost == 0));
    assert_eq!(rest.last().unwrap().event, sent - 1);
    sender.send(&NAME, || sent);
    assert_eq!(events.try_recv().unwrap().lost, 0);
}

/// The state changes under a lock, which gives the order; the events are sent after it by any thread.
#[test]
fn events_of_many_threads_keep_the_order_of_the_lock() {
    let (sender, state) = (EventSender::new(), Mutex::new(0_u64));
    let mut events = sender.subscribe();
    let mut received = Vec::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let mut state = state.lock().unwrap();
                    *state += 1;
                    let event = *state;
                    sender.push(&NAME, || event);
                    drop(state);
                    sender.send_queued();
                }
            });
        }
        while received.last().is_none_or(|(event, _)| *event < 8_000) {
            received.extend(events.try_recv().map(|received| (received.event, received.lost)));
        }
    });
    let mut next = 1;
    for (event, lost) in received {
        assert_eq!(event, next + lost, "in order, and every gap is reported");
        next = event + 1;
    }
    assert_eq!(next, 8_001);
}

/// A waker that uses the handle, and panics.
struct Reenters {
    sender: Arc<EventSender<u32>>,
    state: Arc<Mutex<u32>>,
    wakes: AtomicU64,
}

impl Wake for Reenters {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, SeqCst);
        *self.state.try_lock().expect("not in the owner's lock") += 1;
        self.sender.send(&NAME, || 2);
        panic!("as scripted");
    }
}

#[test]
fn waker_may_use_the_handle_and_panic() {
    let (sender, state) = (Arc::new(EventSender::new()), Arc::new(Mutex::new(0)));
    let mut events = sender.subscribe();
    let reenters =
        Arc::new(Reenters { sender: Arc::clone(&sender), state: Arc::clone(&state), wakes: AtomicU64::new(0) });
    {
        let mut waits = pin!(events.recv());
        let waker = Waker::from(Arc::clone(&reenters));
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let change = AssertUnwindSafe(|| {
            let mut locked = state.lock().unwrap();
            *locked += 1;
            sender.push(&NAME, || 1);
            drop(locked);
            sender.send_queued();
        });
        assert!(catch_unwind(change).is_err());
        assert_eq!(reenters.wakes.load(SeqCst), 1);
        match waits.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(received)) => assert_eq!(received.event, 1),
            other => panic!("{other:?}"),
        }
    }
    // The event of the waker is sent with the next one.
    sender.send(&NAME, || 3);
    let rest: Vec<_> =
        std::iter::from_fn(|| events.try_recv()).map(|received| (received.event, received.lost)).collect();
    assert_eq!(rest, [(2, 0), (3, 0)]);
}

#[tokio::test]
async fn hook_that_panics_gets_the_next_event() {
    let sender = EventSender::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let in_hook = Arc::clone(&seen);
    let hooks = tokio::spawn(sender.subscribe().for_each(move |received| {
        assert_ne!(received.event, 2, "as scripted");
        in_hook.lock().unwrap().push(received.event);
    }));
    let mut other = sender.subscribe();
    (1..=3).for_each(|event| sender.send(&NAME, || event));
    drop(sender);
    hooks.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 3]);
    let others: Vec<_> = std::iter::from_fn(|| other.try_recv()).map(|received| received.event).collect();
    assert_eq!(others, [1, 2, 3]);
}
