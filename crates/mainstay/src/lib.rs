//! Resilience for Tower services: one crate to depend on, and the guide to putting the layers together.
//!
//! This crate holds no code. Its root is [`mainstay-core`](mainstay_core), the vocabulary that all layers share, and
//! each further crate is a module behind the feature of its name:
//!
//! | module and feature | what for | default |
//! |---|---|---|
//! | `bulkhead` | at most so many calls at once | yes |
//! | `circuit_breaker` (`circuit-breaker`) | refuse calls to a dependency that fails | yes |
//! | `fallback` | answer from elsewhere (`last-good`: with the last good answer) | yes |
//! | `retry` | repeat what failed, within a budget | yes |
//! | `timeout` | attempt and total timeouts | yes |
//! | `failover` | ordered endpoints, probes, holds; the standard stack in one constructor | |
//! | `health` | checks, `/healthz` | |
//! | `drain` | a shutdown that ends on time; with `axum`, a server | |
//! | `http` | policies for HTTP and gRPC, replayable bodies, refusals as responses | |
//! | `condition` | conditions that operators write, compiled once | |
//! | `store` | keys and values with an expiry, in memory or in Redis | |
//! | `settings` | settings from TOML, JSON and the environment, and their live reload | |
//!
//! Across them: `axum`, `reqwest`, `tonic`, `serde`, `probes` (HTTP and TCP), `disk`,
//! `redis` (for store and health) and `systemd` (for drain). `full` is all of this; `test-util` is for tests of layers.
#![cfg_attr(feature = "full", doc = "")]
#![cfg_attr(feature = "full", doc = include_str!("../GUIDE.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use mainstay_core::*;

#[cfg(feature = "bulkhead")]
pub use mainstay_bulkhead as bulkhead;
#[cfg(feature = "circuit-breaker")]
pub use mainstay_circuit_breaker as circuit_breaker;
#[cfg(feature = "condition")]
pub use mainstay_condition as condition;
#[cfg(feature = "drain")]
pub use mainstay_drain as drain;
#[cfg(feature = "failover")]
pub use mainstay_failover as failover;
#[cfg(feature = "fallback")]
pub use mainstay_fallback as fallback;
#[cfg(feature = "health")]
pub use mainstay_health as health;
#[cfg(feature = "http")]
pub use mainstay_http as http;
#[cfg(feature = "retry")]
pub use mainstay_retry as retry;
#[cfg(feature = "store")]
pub use mainstay_store as store;
#[cfg(feature = "timeout")]
pub use mainstay_timeout as timeout;

/// Settings from TOML, JSON and the environment, their live reload, and the vocabulary's checks of settings.
#[cfg(feature = "settings")]
pub mod settings {
    // The root re-exports a module of the same name from core, which this module hides.
    pub use mainstay_core::settings::*;
    pub use mainstay_settings::*;
}

/// The snippets of the README and of the guides are compiled by the tests.
#[cfg(all(doctest, feature = "full"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/thresholds.md")]
    struct Thresholds;

    #[doc = include_str!("../../../docs/conditions.md")]
    struct Conditions;

    #[doc = include_str!("../../../docs/classifier.md")]
    struct Classifier;

    #[doc = include_str!("../../../docs/events.md")]
    struct Events;

    #[doc = include_str!("../../../docs/functions.md")]
    struct Functions;

    #[doc = include_str!("../../../docs/coming-from.md")]
    struct ComingFrom;

    #[doc = include_str!("../../../docs/storage.md")]
    struct Storage;

    #[doc = include_str!("../../../docs/last-good.md")]
    struct LastGood;
}
