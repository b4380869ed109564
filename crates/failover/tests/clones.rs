//! Clones: a server clones its stack for every request.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use mainstay_core::BoxError;
use mainstay_failover::{Endpoint, Failover};
use tower::{Service, ServiceExt};

/// A service that answers with its name and counts its clones.
struct Copied {
    name: &'static str,
    copies: Arc<AtomicU32>,
}

impl Clone for Copied {
    fn clone(&self) -> Self {
        assert!(self.copies.fetch_add(1, Relaxed) < LAST, "this clone panics");
        Self { name: self.name, copies: self.copies.clone() }
    }
}

impl Service<u64> for Copied {
    type Response = &'static str;
    type Error = BoxError;
    type Future = Ready<Result<&'static str, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        ready(Ok(self.name))
    }
}

/// The number of clones from which on cloning panics.
const LAST: u32 = 1 << 31;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Returns a failover over three endpoints, and a counter of the clones made of their services since.
fn three() -> (Failover<Copied>, impl Fn() -> u32) {
    let copies = Arc::new(AtomicU32::new(0));
    let endpoints = NAMES.map(|name| Endpoint::new(name, Copied { name, copies: copies.clone() }));
    let failover = Failover::new("x", endpoints).unwrap();
    let before = copies.load(Relaxed);
    (failover, move || copies.load(Relaxed) - before)
}

#[tokio::test(start_paused = true)]
async fn clone_clones_only_the_endpoint_in_use() {
    let (failover, copies) = three();
    assert_eq!(failover.clone().oneshot(1).await.unwrap(), "a");
    assert_eq!(copies(), 1);
    let clone = failover.clone().clone();
    assert_eq!(copies(), 3);
    assert_eq!(clone.oneshot(1).await.unwrap(), "a");
    assert_eq!(copies(), 3);
}

#[tokio::test(start_paused = true)]
async fn clones_follow_a_switch_before_and_after_it() {
    let (failover, copies) = three();
    let mut early = failover.clone();
    for name in ["c", "b", "a"] {
        failover.handle().force(name, "test").unwrap();
        let before = copies();
        assert_eq!(failover.clone().oneshot(1).await.unwrap(), name);
        assert_eq!(copies() - before, 1, "the endpoint in use now");
        assert_eq!(early.ready().await.unwrap().call(1).await.unwrap(), name);
        assert_eq!(early.clone().oneshot(1).await.unwrap(), name, "a clone of a clone");
    }
}

#[tokio::test(start_paused = true)]
async fn late_policy_keeps_all_endpoints() {
    let (failover, _) = three();
    let failover = failover.clone().with_policy(mainstay_core::Plain);
    failover.handle().force("c", "test").unwrap();
    assert_eq!(failover.oneshot(1).await.unwrap(), "c");
}

#[tokio::test(start_paused = true)]
async fn panic_while_cloning_keeps_the_failover_usable() {
    let copies = Arc::new(AtomicU32::new(0));
    let endpoints = NAMES.map(|name| Endpoint::new(name, Copied { name, copies: copies.clone() }));
    let failover = Failover::new("x", endpoints).unwrap();
    let mut clone = failover.clone();
    failover.handle().force("b", "test").unwrap();

    copies.store(LAST, Relaxed);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| clone.poll_ready(&mut cx).is_ready())).is_err());
    copies.store(0, Relaxed);
    assert_eq!(clone.clone().oneshot(1).await.unwrap(), "b");
    assert_eq!(clone.oneshot(1).await.unwrap(), "b");
}
