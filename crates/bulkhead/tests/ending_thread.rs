//! A thread that ends with calls in flight, because its runtime is in a thread-local.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::cell::RefCell;

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_core::BoxError;
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
};
use tower::{Layer, ServiceExt, service_fn};

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Defect: such threads lost their permits for ever, or aborted the process.
#[test]
fn ending_thread_returns_permits_and_places_in_the_queue() {
    let settings = LimitSettings { limit: 2, queue: 2, max_wait: None, ..LimitSettings::default() };
    let limit = Limit::with_settings("orders", settings).unwrap();
    // Two calls get permits, two wait.
    for calls in [1, 2, 4] {
        let shared = limit.clone();
        let thread = std::thread::spawn(move || {
            RUNTIME.with_borrow_mut(|runtime| {
                let runtime = runtime.insert(Builder::new_current_thread().build().unwrap());
                for _ in 0..calls {
                    let hangs = service_fn(|()| std::future::pending::<Result<(), BoxError>>());
                    let layer: BulkheadLayer = BulkheadLayer::with(shared.clone());
                    runtime.spawn(layer.layer(hangs).oneshot(()));
                }
                runtime.block_on(async { yield_now().await });
                let snapshot = shared.snapshot();
                assert_eq!((snapshot.in_flight + snapshot.queued) as usize, calls);
            });
        });
        thread.join().unwrap();
        let snapshot = limit.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0), "{calls} calls");
    }
    assert!(limit.try_acquire().is_ok());
}
