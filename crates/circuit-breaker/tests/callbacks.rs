//! Code of the program that a breaker runs (wakers, keys) uses the handle that runs it: no lock is held, and no change
//! that it makes is lost.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    cell::RefCell,
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, KeyedBreakerSettings, KeyedBreakers, OpenSettings, Recovery, State,
};
use mainstay_core::{FailureKind, Outcome};

/// How long a failing test waits.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A task whose wake-up runs this function.
struct OnWake<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        self.0();
    }
}

fn waker(run: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(OnWake(run)))
}

/// Runs this on a thread of its own; fails if it does not end.
fn ends(run: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        run();
        done.send(()).unwrap();
    });
    ended.recv_timeout(TIMEOUT).expect("no deadlock");
}

fn probes() -> BreakerSettings {
    BreakerSettings {
        recovery: Recovery::Probes { successes: 3, fresh_for: Duration::from_secs(60) },
        open: OpenSettings::constant(Duration::from_secs(3600)),
        ..BreakerSettings::default()
    }
}

/// The openings were cleared after the reset had been announced: an opening in between was forgotten.
#[test]
fn opening_while_a_reset_is_announced_counts() {
    let breaker = Breaker::new("test");
    breaker.trip("first");
    let opens = breaker.clone();
    let waker = waker(move || opens.trip("second"));
    let mut states = breaker.watch();
    let mut changed = pin!(states.changed());
    assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    breaker.reset("ann");
    assert_eq!((breaker.state(), breaker.snapshot().openings), (State::Open, 1));
}

/// The probes were cleared after the opening had been announced: a good probe in between was forgotten.
#[test]
fn probe_while_a_trip_is_announced_counts() {
    let breaker = Breaker::with_settings("test", probes()).unwrap();
    let probed = breaker.clone();
    let waker = waker(move || probed.record_probe(Outcome::Success));
    let mut states = breaker.watch();
    let mut changed = pin!(states.changed());
    assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    breaker.trip("test");
    assert_eq!(breaker.snapshot().recovery.map(|recovery| recovery.have), Some(1));
    breaker.trip("again");
    assert_eq!(breaker.snapshot().recovery.map(|recovery| recovery.have), Some(0), "the streak starts again");
}

/// The state was lent by a borrow, which locks the channel until the end of the `match`.
#[test]
fn arm_of_a_match_on_the_watched_state_changes_the_breaker() {
    ends(|| {
        let breaker = Breaker::new("test");
        match breaker.watch().get() {
            State::Closed => breaker.force_open("ann"),
            State::Open | State::HalfOpen => breaker.reset("ann"),
        }
        assert_eq!(breaker.watch().get(), State::Open);
    });
}

/// The store held a lock while breakers announced what their new settings changed.
#[test]
fn waker_reconfigures_the_store_that_is_being_reconfigured() {
    ends(|| {
        let breakers = KeyedBreakers::<u32>::new("keys");
        let breaker = breakers.get(&1);
        let (store, runs) = (breakers.clone(), Arc::new(AtomicU32::new(0)));
        let count = runs.clone();
        let waker = waker(move || {
            count.fetch_add(1, SeqCst);
            let mut settings = store.settings();
            settings.breaker.minimum_calls += 1;
            store.reconfigure(settings.clone()).unwrap();
            store.set(&2, settings.breaker).unwrap();
            store.reset_all("waker");
            assert_eq!((store.snapshots().len(), store.keys().len()), (2, 1));
        });
        let mut states = breaker.watch();
        let mut changed = pin!(states.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let before = breakers.settings();
        let new = BreakerSettings { consecutive_failures: Some(9), ..before.breaker.clone() };
        breakers.reconfigure(KeyedBreakerSettings { breaker: new, ..before }).unwrap();
        assert_eq!(runs.load(SeqCst), 1);
        // What the waker set is the newest.
        assert_eq!(breakers.settings().breaker.minimum_calls, 21);
        assert_eq!(breakers.get(&1).settings(), breakers.settings().breaker);
        assert_eq!(breakers.get(&1).settings().consecutive_failures, Some(9));
    });
}

thread_local! {
    static STORE: RefCell<Option<KeyedBreakers<Key>>> = const { RefCell::new(None) };
}

/// A key that reads the store while it is formatted.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        STORE.with_borrow(|store| store.as_ref().map(|store| (store.settings(), store.snapshot())));
        self.0.fmt(f)
    }
}

/// The name of a new breaker was formatted under the lock of the store.
#[test]
fn key_reads_the_store_while_it_is_formatted() {
    ends(|| {
        let breakers = KeyedBreakers::new("keys");
        STORE.set(Some(breakers.clone()));
        assert_eq!(breakers.get(&Key(7)).name(), "keys/7");
        STORE.set(None);
    });
}

/// An evicted breaker was dropped under the lock of the store, which wakes the tasks that wait for its changes.
#[test]
fn waker_of_an_evicted_breaker_reads_the_store() {
    ends(|| {
        let breakers = KeyedBreakers::with_settings("keys", KeyedBreakerSettings { capacity: 1, ..Default::default() });
        let breakers: KeyedBreakers<u32> = breakers.unwrap();
        let mut states = breakers.get(&0).watch();
        let (store, woken) = (breakers.clone(), Arc::new(AtomicU32::new(0)));
        let count = woken.clone();
        let waker = waker(move || {
            let _ = (store.settings(), store.snapshot(), store.get(&1));
            count.fetch_add(1, SeqCst);
        });
        let mut changed = pin!(states.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        (1..10_000).for_each(|key| drop(breakers.get(&key)));
        assert_eq!(woken.load(SeqCst), 1, "the breaker was dropped");
    });
}

/// A change in the middle of a call's end must not deadlock either.
#[test]
fn waker_uses_the_store_when_a_call_opens_its_breaker() {
    ends(|| {
        let breakers = KeyedBreakers::<u32>::new("keys");
        let breaker = breakers.get(&1);
        let (store, mut status) = (breakers.clone(), breakers.subscribe());
        let waker = waker(move || {
            assert_eq!(store.snapshot().open, 1);
            assert_eq!(store.get(&2).name(), "keys/2");
        });
        let mut changed = pin!(status.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        (0..5).for_each(|_| breaker.record(Outcome::failure(FailureKind::Network)));
        assert_eq!(breakers.subscribe().get().reason, "1 breaker is not closed");
    });
}
