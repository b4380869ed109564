use std::{
    future::Future,
    pin::pin,
    sync::{Barrier, atomic::AtomicBool},
    task::{Context, Poll, Waker},
};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Group, Limit, LimitSettings, Permit};

fn limit(limit: u32, queue: u32) -> Limit {
    Limit::with_settings("x", LimitSettings { limit, queue, max_wait: None, ..LimitSettings::default() }).unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Acquire,
    Poll(usize),
    Drop(usize),
    Resize(u32),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => Just(Op::Acquire),
        3 => any::<usize>().prop_map(Op::Poll),
        3 => any::<usize>().prop_map(Op::Drop),
        1 => (1_u32..5).prop_map(Op::Resize),
    ];
    vec(op, 1..200)
}

type Waiter = std::pin::Pin<Box<dyn Future<Output = Result<Permit, mainstay_core::Rejected>>>>;

enum Caller {
    Waits(Waiter),
    Runs { _permit: Permit },
}

proptest! {
    /// After any operation the counts are those of the callers, and no call waits while a slot is free.
    #[test]
    fn word_counts_callers_and_no_waiter_starves(ops in ops()) {
        let limit = limit(2, 3);
        let mut callers: Vec<Caller> = Vec::new();
        let poll = |waiter: &mut Waiter| waiter.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for op in ops {
            match op {
                Op::Acquire => {
                    let limit = limit.clone();
                    let mut waiter: Waiter = Box::pin(async move { limit.acquire().await });
                    match poll(&mut waiter) {
                        Poll::Ready(Ok(permit)) => callers.push(Caller::Runs { _permit: permit }),
                        Poll::Ready(Err(_)) => {}
                        Poll::Pending => callers.push(Caller::Waits(waiter)),
                    }
                }
                Op::Poll(i) if !callers.is_empty() => {
                    let i = i % callers.len();
                    if let Caller::Waits(waiter) = &mut callers[i]
                        && let Poll::Ready(permit) = poll(waiter)
                    {
                        callers[i] = Caller::Runs { _permit: permit.unwrap() };
                    }
                }
                Op::Drop(i) if !callers.is_empty() => {
                    let _gone = callers.swap_remove(i % callers.len());
                }
                Op::Resize(n) => limit.resize(n).unwrap(),
                _ => {}
            }
            let (in_flight, waiting) = limit.inner().slots.counts();
            prop_assert_eq!((in_flight + waiting) as usize, callers.len());
            prop_assert!(waiting == 0 || in_flight >= limit.settings().limit, "{} wait while {} run", waiting, in_flight);
        }
        drop(callers);
        prop_assert_eq!(limit.inner().slots.counts(), (0, 0));
        prop_assert_eq!(limit.inner().slots.grants.available_permits(), 0);
    }
}

/// Real threads acquire, wait, give up and release. A waiter that gives up just before its grant is added is the case
/// that `cancelled` counts.
#[test]
fn racing_callers_lose_no_slot() {
    let group = Group::with_total("g", 3).unwrap();
    let settings = LimitSettings { limit: 2, queue: 4, max_wait: None, ..LimitSettings::default() };
    let shared =
        [group.limit("a", settings).unwrap(), group.limit("b", LimitSettings { limit: 5, ..settings }).unwrap()];
    for limits in [vec![limit(1, 2)], vec![limit(2, 8)], shared.to_vec()] {
        let threads = 4;
        let (barrier, over) = (Barrier::new(threads), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for seed in 0..threads {
                let (limits, barrier, over) = (&limits, &barrier, &over);
                scope.spawn(move || {
                    barrier.wait();
                    for i in 0..20_000_usize {
                        call(&limits[(seed + i) % limits.len()], (seed * 7 + i) % 5);
                    }
                    over.store(true, SeqCst);
                });
            }
        });
        assert!(over.into_inner());
        for limit in &limits {
            let slots = &limit.inner().slots;
            assert_eq!(slots.counts(), (0, 0));
            assert_eq!(slots.word.load(SeqCst), 0);
            assert_eq!((slots.cancelled.load(SeqCst), slots.grants.available_permits()), (0, 0));
            drop(limit.try_acquire().unwrap());
        }
    }
    let snapshot = group.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
}

/// Polls one call so many times, and then gives up.
fn call(limit: &Limit, polls: usize) {
    let mut waiter = pin!(limit.acquire());
    for _ in 0..polls {
        if let Poll::Ready(permit) = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return drop(permit);
        }
        std::hint::spin_loop();
    }
}
