//! The Tower contract, with a queue and without.

#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings, Permit};
use mainstay_core::test::{Expect, contract};

fn layer(limit: u32, queue: u32) -> BulkheadLayer {
    let settings = LimitSettings { limit, queue, max_wait: None, ..LimitSettings::default() };
    BulkheadLayer::with(Limit::with_settings("probe", settings).unwrap())
}

fn expect() -> Expect<BulkheadLayer> {
    let take_all = |layer: &BulkheadLayer| -> Vec<Permit> {
        let limit = layer.limit().clone();
        std::iter::from_fn(|| limit.try_acquire().ok()).collect()
    };
    Expect::default().refusing(take_all).at_rest(|layer: &BulkheadLayer| {
        let snapshot = layer.limit().snapshot();
        match (snapshot.in_flight, snapshot.queued) {
            (0, 0) => Ok(()),
            _ => Err(format!("{snapshot:?}")),
        }
    })
}

#[test]
fn without_a_queue() {
    contract("bulkhead of one", expect(), || layer(1, 0));
    contract("bulkhead of two", expect(), || layer(2, 0));
}

#[test]
fn with_a_queue() {
    contract("bulkhead with a queue", expect(), || layer(1, 1));
    contract("bulkhead with a long queue", expect(), || layer(1, 100));
}
