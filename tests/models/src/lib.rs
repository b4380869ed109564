//! The primitives of the workspace that wait or publish, built over the synchronisation of a model checker.
//!
//! The files are those of the libraries, included by path: they take their synchronisation from `crate::sync`, which
//! is std's and tokio's there, and shuttle's here. shuttle runs every interleaving of a few threads, or many random ones
//! where there are too many. It assumes sequential consistency, which the modelled code asks for (`SeqCst`) or gets
//! from a lock. loom was rejected: it does not model `SeqCst` loads and stores, on which the bulkhead's counts depend.
//!
//! | primitive | model |
//! |---|---|
//! | [`wait::Wait`], in the readiness of breaker, gate, bulkhead and failover | `no_wake_up_is_lost_by_a_wait` |
//! | [`epoch_watch::EpochWatch`], in the status of breaker, bulkhead, fallback and failover | `watch_ends_at_the_newest_epoch` |
//! | `readiness::ReadinessWaiters` of the bulkhead | `caller_is_woken_when_the_permits_are_used_up` |
//! | `slots::Slots` of the bulkhead: grants, and waiters that give up | `freed_slot_reaches_the_waiter`, `cancelled_waiter_takes_no_slot_with_it` |
//! | `lending::LendingPool` of the bulkhead | `waiter_gets_the_lent_slot_that_another_call_gave_back`, `caller_is_woken_when_another_member_takes_the_last_lent_slot` |
//! | `saturation::Saturation` of the bulkhead | `limit_with_free_permits_is_not_saturated` |
//!
//! Not modelled: `Drain::reached` and health's `until_ready`, which are a loop over one tokio watch channel, whose
//! receiver subscribes first; health's gRPC watch, which selects over timers that shuttle cannot run; the wakers of a
//! replayed body, which are added and taken under the lock of the body; the state machine of the breaker, whose changes
//! are made under one lock (`tests/races` runs it on two processors); the events of a handle, whose queue is under one lock
//! (`crates/core/tests/events.rs` sends them from four threads); the loss and the return of a store on the path of requests,
//! whose task sleeps (`crates/store/tests/paths/request_path.rs` runs it on two processors).

// The included files have unit tests, which run in their libraries.
#![cfg(not(test))]
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::result_unit_err,
    reason = "libraries' files, of which a model uses a part"
)]

#[path = "../../../crates/core/src/epoch_watch.rs"]
pub mod epoch_watch;
#[path = "../../../crates/bulkhead/src/lending.rs"]
mod lending;
#[path = "../../../crates/bulkhead/src/readiness.rs"]
mod readiness;
#[path = "../../../crates/bulkhead/src/saturation.rs"]
mod saturation;
pub mod scenarios;
#[path = "../../../crates/bulkhead/src/slot_word.rs"]
mod slot_word;
#[path = "../../../crates/bulkhead/src/slots.rs"]
mod slots;
pub mod sync;
#[path = "../../../crates/core/src/wait.rs"]
pub mod wait;
