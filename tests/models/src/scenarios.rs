//! What a few threads do with each primitive. A task that nothing wakes is a deadlock, which shuttle reports.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mainstay_core::{Level, Name};
use shuttle::{
    future::block_on,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use crate::{
    epoch_watch::EpochWatch,
    lending::{LendingPool, Member, Membership},
    readiness::ReadinessWaiters,
    saturation::Saturation,
    slots::Slots,
    wait::Wait,
};

/// A task waits for a flag, which another thread sets.
pub fn no_wake_up_is_lost_by_a_wait() {
    let (flag, changes) = (Arc::new(AtomicBool::new(false)), Arc::new(EpochWatch::new(())));
    let (set, sender) = (flag.clone(), changes.clone());
    let other = thread::spawn(move || {
        set.store(true, SeqCst);
        sender.send(1, |()| true);
    });
    let subscribe = || {
        let mut receiver = changes.subscribe();
        Box::pin(async move {
            receiver.changed().await;
        }) as crate::wait::Change
    };
    let look = |_: &mut Context<'_>| if flag.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending };
    let mut wait = Wait::default();
    block_on(poll_fn(|cx| wait.poll(cx, subscribe, look)));
    other.join().unwrap();
}

/// Two threads change a state under its lock, and publish it after.
pub fn watch_ends_at_the_newest_epoch() {
    let (state, watch) = (Arc::new(Mutex::new((0_u64, 0))), Arc::new(EpochWatch::new(0)));
    let change = |value| {
        let (state, watch) = (state.clone(), watch.clone());
        move || {
            let mut locked = state.lock().unwrap();
            *locked = (locked.0 + 1, value);
            let (epoch, value) = *locked;
            drop(locked);
            watch.send(epoch, |published| {
                *published = value;
                true
            });
        }
    };
    let other = thread::spawn(change(1));
    change(2)();
    other.join().unwrap();
    assert_eq!(watch.get(), state.lock().unwrap().1);
}

fn slots(limit: u32, queue: u32) -> Arc<Slots> {
    Arc::new(Slots::new(limit, queue, Membership::default()))
}

/// A task waits for an inner service that is never ready. Another thread takes the last permit.
pub fn caller_is_woken_when_the_permits_are_used_up() {
    let (slots, waiters) = (slots(1, 0), Arc::new(ReadinessWaiters::default()));
    let (taken, woken) = (slots.clone(), waiters.clone());
    let other = thread::spawn(move || {
        assert!(taken.try_acquire());
        if !woken.is_empty() && !taken.has_free_slot() {
            woken.wake();
        }
    });
    let subscribe = || {
        let waiters = waiters.clone();
        Box::pin(async move { waiters.wait().await }) as crate::wait::Change
    };
    let look = |_: &mut Context<'_>| if slots.has_free_slot() { Poll::Pending } else { Poll::Ready(()) };
    let mut wait = Wait::default();
    block_on(poll_fn(|cx| wait.poll(cx, subscribe, look)));
    other.join().unwrap();
}

fn acquire(slots: &Slots) {
    if slots.try_acquire() {
        return;
    }
    assert!(slots.enqueue());
    block_on(slots.granted());
    slots.dequeue();
}

fn assert_idle(slots: &Slots) {
    assert!(slots.is_idle());
    assert!(slots.try_acquire(), "a slot is free");
    assert!(!slots.try_acquire(), "one slot");
}

/// Two threads need the one slot.
pub fn freed_slot_reaches_the_waiter() {
    let slots = slots(1, 2);
    let other = slots.clone();
    let other = thread::spawn(move || {
        acquire(&other);
        other.release();
    });
    acquire(&slots);
    slots.release();
    other.join().unwrap();
    assert_idle(&slots);
}

/// A waiter gives up after one poll, while the slot comes back.
pub fn cancelled_waiter_takes_no_slot_with_it() {
    let slots = slots(1, 2);
    assert!(slots.try_acquire());
    let waiting = slots.clone();
    let other = thread::spawn(move || {
        if !waiting.enqueue() {
            return;
        }
        {
            let mut granted = pin!(waiting.granted());
            if granted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                waiting.dequeue();
                return waiting.release();
            }
        }
        waiting.cancel();
    });
    slots.release();
    other.join().unwrap();
    assert_idle(&slots);
}

/// A limit of five in a group, and one lent slot above it.
struct Lender(Slots);

impl Member for Lender {
    fn limit(&self) -> u32 {
        self.0.limit()
    }

    fn grant(&self) -> bool {
        self.0.grant()
    }
}

/// Returns members of one group, of which the first has used up its own five slots. The group has one slot to lend.
fn lenders(count: usize) -> Vec<Arc<Lender>> {
    let pool = Arc::new(LendingPool::new(Some(6)));
    let add = |_| {
        let member = Arc::new(Lender(Slots::new(5, 2, Membership::of(pool.clone()))));
        let weak = Arc::downgrade(&member);
        pool.add(weak);
        member
    };
    let members: Vec<_> = (0..count).map(add).collect();
    (0..5).for_each(|_| assert!(members[0].0.try_acquire()));
    members
}

/// A call reserves the slot that the group lends, and gives it back because a waiter came first.
pub fn waiter_gets_the_lent_slot_that_another_call_gave_back() {
    let members = lenders(1);
    let other = members[0].clone();
    let other = thread::spawn(move || {
        if other.0.try_acquire() {
            other.0.release();
        }
    });
    acquire(&members[0].0);
    other.join().unwrap();
}

/// A task waits for an inner service that is never ready. Another member takes the slot that the group could lend it.
pub fn caller_is_woken_when_another_member_takes_the_last_lent_slot() {
    let members = lenders(2);
    let other = members[1].clone();
    let other = thread::spawn(move || assert!(other.0.try_acquire()));
    let subscribe = || {
        let member = members[0].clone();
        Box::pin(async move { member.0.group_filled().await }) as crate::wait::Change
    };
    let look = |_: &mut Context<'_>| if members[0].0.has_free_slot() { Poll::Pending } else { Poll::Ready(()) };
    let mut wait = Wait::default();
    block_on(poll_fn(|cx| wait.poll(cx, subscribe, look)));
    other.join().unwrap();
}

/// A call is refused while the last permit comes back.
pub fn limit_with_free_permits_is_not_saturated() {
    let (slots, saturation, name) = (slots(1, 0), Arc::new(Saturation::new(Arc::default())), Name::literal("model"));
    assert!(slots.try_acquire());
    let (refused, saturated) = (slots.clone(), saturation.clone());
    let other = thread::spawn(move || {
        let name = Name::literal("model");
        match refused.try_acquire() {
            true => {
                refused.release();
                saturated.on_release(&name, &refused);
            }
            false => saturated.on_refusal(&name, &refused),
        }
    });
    slots.release();
    saturation.on_release(&name, &slots);
    other.join().unwrap();
    assert_eq!(saturation.subscribe().get().level, Level::Healthy);
}
