//! What a failover publishes: outside of its locks, once for each change, and the newest last.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
};

use common::{Fate, Script, endpoints, names, settings};
use mainstay_failover::{Failover, FailoverHandle, FailoverState};
use tower::Service;

/// A task that reads the handle within its wake-up.
struct Reads {
    handle: FailoverHandle,
    states: Mutex<Vec<FailoverState>>,
}

impl Wake for Reads {
    fn wake(self: Arc<Self>) {
        let state = self.handle.snapshot().state;
        self.states.lock().unwrap().push(state);
        assert_eq!(self.handle.transitions().len(), 1);
    }
}

/// The status was published under the lock, in which wakers run.
#[test]
fn waker_reads_the_handle_without_deadlock() {
    let handle = FailoverHandle::with_settings("x", names(&["a", "b"]), settings()).unwrap();
    let reads = Arc::new(Reads { handle: handle.clone(), states: Mutex::default() });
    let waker = Waker::from(reads.clone());
    let (mut status, mut watch) = (handle.subscribe(), handle.watch());
    let (mut changed, mut switched) = (pin!(status.changed()), pin!(watch.changed()));
    let mut cx = Context::from_waker(&waker);
    assert!(changed.as_mut().poll(&mut cx).is_pending() && switched.as_mut().poll(&mut cx).is_pending());
    handle.take_out("a", "test").unwrap();
    assert_eq!(*reads.states.lock().unwrap(), [FailoverState::OnBackup; 2]);
    assert!(changed.poll(&mut cx).is_ready() && switched.poll(&mut cx).is_ready());
}

/// A request that waits counts a failure of readiness once, however often it is woken.
#[tokio::test(start_paused = true)]
async fn failed_readiness_counts_once_for_a_request_that_waits() {
    let scripts = [Script::new("a"), Script::new("b"), Script::new("c")];
    scripts[0].set(Fate::ReadinessFails);
    scripts[1].set(Fate::NotReady);
    let mut failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    let handle = failover.handle().clone();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(matches!(Service::<u32>::poll_ready(&mut failover, &mut cx), Poll::Pending));
        handle.take_out("c", "test").unwrap();
        handle.reset("test");
        assert!(matches!(Service::<u32>::poll_ready(&mut failover, &mut cx), Poll::Pending));
    }
    assert_eq!(handle.snapshot().endpoints[0].breaker.failures, 1);
}

/// A task that turns the dry run of a stack off within its wake-up.
#[cfg(feature = "stack")]
struct Reconfigures(mainstay_failover::stack::StandardHandles);

#[cfg(feature = "stack")]
impl Wake for Reconfigures {
    fn wake(self: Arc<Self>) {
        let mut settings = mainstay_failover::stack::StandardSettings::default();
        settings.bulkhead.limit = 7;
        self.0.reconfigure(&settings).unwrap();
    }
}

/// A change of the settings held a lock while it was published.
#[cfg(feature = "stack")]
#[test]
fn waker_reconfigures_the_stack_that_is_being_reconfigured() {
    use mainstay_failover::stack::{Standard, StandardSettings};

    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let scripts = [Script::new("a"), Script::new("b")];
        let standard = Standard::new("x", endpoints(&scripts), StandardSettings::default()).unwrap();
        let handles = standard.handles().clone();
        let waker = Waker::from(Arc::new(Reconfigures(handles.clone())));
        let mut status = handles.failover.subscribe();
        let mut changed = pin!(status.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        handles.failover.take_out("a", "test").unwrap();
        assert_eq!(handles.endpoints[1].limit.settings().limit, 7, "the waker ran");

        let mut status = handles.failover.subscribe();
        let mut changed = pin!(status.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let mut settings = StandardSettings::default();
        settings.failover.dry_run = true;
        settings.bulkhead.limit = 3;
        handles.reconfigure(&settings).unwrap();
        // What the waker set is the newest.
        assert_eq!(handles.endpoints[1].limit.settings().limit, 7);
        assert!(!handles.failover.settings().dry_run);
        done.send(()).unwrap();
    });
    ended.recv_timeout(std::time::Duration::from_secs(20)).expect("no deadlock");
}
