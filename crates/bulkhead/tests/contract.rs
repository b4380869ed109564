//! The Tower contract, with a queue and without.

#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use mainstay_bulkhead::{
    BulkheadLayer, KeyedBulkheadLayer, KeyedBulkheadSettings, KeyedLimits, Limit, LimitSettings, Permit,
};
use mainstay_core::test::{Expect, Request, contract};

fn layer(limit: u32, queue: u32) -> BulkheadLayer {
    let settings = LimitSettings { limit, queue, max_wait: None, ..LimitSettings::default() };
    BulkheadLayer::with(Limit::with_settings("probe", settings).unwrap())
}

fn expect() -> Expect<BulkheadLayer> {
    let take_all = |layer: &BulkheadLayer| -> Vec<Permit> {
        let limit = layer.handle().clone();
        std::iter::from_fn(|| limit.try_acquire().ok()).collect()
    };
    Expect::default().refusing(take_all).at_rest(|layer: &BulkheadLayer| {
        let snapshot = layer.handle().snapshot();
        match (snapshot.in_flight, snapshot.queued) {
            (0, 0) => Ok(()),
            _ => Err(format!("{snapshot:?}")),
        }
    })
}

#[test]
fn contract_holds_without_queue() {
    contract("bulkhead of one", expect(), || layer(1, 0));
    contract("bulkhead of two", expect(), || layer(2, 0));
}

#[test]
fn contract_holds_with_queue() {
    contract("bulkhead with a queue", expect(), || layer(1, 1));
    contract("bulkhead with a long queue", expect(), || layer(1, 100));
}

type Keyed = KeyedBulkheadLayer<u8, fn(&Request) -> u8>;

fn keyed(limit: u32, queue: u32) -> Keyed {
    let limit = LimitSettings { limit, queue, max_wait: None, ..LimitSettings::default() };
    let limits = KeyedLimits::with_settings("probes", KeyedBulkheadSettings { limit, capacity: 1 }).unwrap();
    KeyedBulkheadLayer::with(limits, |_: &Request| 1)
}

/// A refusal is known only with the key, so `poll_ready` is the inner service's own. `keyed_service.rs` tests what `call`
/// does with the readiness of a call that is refused or waits.
#[test]
fn contract_holds_by_key() {
    let expect = || {
        let at_rest = |layer: &Keyed| match layer.handle().snapshot() {
            snapshot if (snapshot.in_flight, snapshot.queued) == (0, 0) => Ok(()),
            snapshot => Err(format!("{snapshot:?}")),
        };
        Expect::default().at_rest(at_rest)
    };
    contract("keyed bulkhead of one", expect(), || keyed(1, 0));
    contract("keyed bulkhead with a queue", expect(), || keyed(1, 1));
    contract("keyed bulkhead with a long queue", expect(), || keyed(1, 100));
}
