//! Requests take no lock on the happy path: they go on while another thread holds every lock of the failover.

use std::{
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{PoisonError, mpsc},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use mainstay_core::BoxError;
use tower_service::Service;

use crate::{Endpoint, Failover, FailoverHandle, FailoverSettings};

/// How long a failing test waits.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone)]
struct Answers(&'static str);

impl Service<u64> for Answers {
    type Response = &'static str;
    type Error = BoxError;
    type Future = Ready<Result<&'static str, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        ready(Ok(self.0))
    }
}

fn failover() -> Failover<Answers> {
    Failover::new("x", [Endpoint::new("a", Answers("a")), Endpoint::new("b", Answers("b"))]).unwrap()
}

fn ask(failover: &mut Failover<Answers>) -> &'static str {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(failover.poll_ready(&mut cx).is_ready());
    match pin!(failover.call(1)).poll(&mut cx) {
        Poll::Ready(Ok(name)) => name,
        other => panic!("{other:?}"),
    }
}

/// Runs this while the locks of the failover (not those of its engines) are held.
fn with_all_locks_held<T>(failover: &Failover<Answers>, run: impl FnOnce() -> T) -> T {
    let FailoverHandle { board, prober } = failover.handle();
    let _log = board.lock();
    let _settings = board.live.all.write().unwrap_or_else(PoisonError::into_inner);
    let _tasks = prober.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    let _clean: Vec<_> =
        failover.shared.clean.iter().map(|service| service.lock().unwrap_or_else(PoisonError::into_inner)).collect();
    run()
}

#[test]
fn requests_on_two_threads_take_no_lock() {
    let held = failover();
    for name in ["a", "b"] {
        with_all_locks_held(&held, || {
            let (done, all) = mpsc::channel();
            for _ in 0..2 {
                let (mut failover, done) = (held.clone(), done.clone());
                thread::spawn(move || {
                    assert!((0..1_000).all(|_| ask(&mut failover) == name));
                    done.send(()).unwrap();
                });
            }
            drop(done);
            for _ in 0..2 {
                all.recv_timeout(TIMEOUT).expect("requests go on");
            }
        });
        held.handle().take_out("a", "test").unwrap();
    }
}

#[test]
fn poisoned_locks_are_usable() {
    let mut failover = failover();
    let panics = AssertUnwindSafe(|| with_all_locks_held(&failover, || panic!("in the middle of everything")));
    assert!(catch_unwind(panics).is_err());
    let FailoverHandle { board, prober } = failover.handle().clone();
    assert!(board.is_poisoned() && board.live.all.is_poisoned() && prober.tasks.is_poisoned());
    assert_eq!(ask(&mut failover), "a");
    failover.handle().take_out("a", "test").unwrap();
    assert_eq!(ask(&mut failover), "b");
    assert_eq!(failover.handle().snapshot().epoch, 1);
}

#[test]
fn clones_take_no_lock_on_any_route() {
    let failover = failover();
    let kept = failover.clone();
    for base in [&failover, &kept] {
        with_all_locks_held(base, || assert_eq!(ask(&mut base.clone()), "a"));
    }
    failover.handle().take_out("a", "test").unwrap();
    // Once called, it holds the service that its clones need.
    let mut called = kept.clone();
    assert_eq!(ask(&mut called), "b");
    for base in [&failover, &called] {
        with_all_locks_held(base, || assert_eq!(ask(&mut base.clone()), "b"));
    }
    let settings = FailoverSettings { dry_run: true, ..FailoverSettings::default() };
    failover.handle().reconfigure(settings).unwrap();
    with_all_locks_held(&failover, || assert_eq!(ask(&mut failover.clone()), "a"));
}
