//! The shared vocabulary of Mainstay: outcomes, policies, refusals, backoff, budgets, windows.
//!
//! Every pattern crate depends on this crate and on no other pattern crate, so all layers agree on what a failure is.
//! Application code uses [`Outcome`], the policy traits ([`Classify`], [`Follow`], [`Replay`], [`Contextual`],
//! [`Mark`]) with [`Plain`], and the refusal [`Rejected`]. The rest serves authors of layers.
//!
//! ```
//! use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Plain, Reason, Refusal, Rejected};
//!
//! // An unknown error is a failure of the dependency.
//! let reset: BoxError = "connection reset".into();
//! assert_eq!(Plain.classify(Err::<&(), _>(&reset)), Outcome::failure(FailureKind::Unknown));
//!
//! // A refusal by a Mainstay layer is not: the dependency was not called.
//! let refused: BoxError = Rejected::new(Reason::CircuitOpen, "orders").into();
//! assert_eq!(Plain.classify(Err::<&(), _>(&refused)), Outcome::rejected(None));
//! assert_eq!(refused.rejected().map(Rejected::reason), Some(Reason::CircuitOpen));
//! ```
//!
//! # The error convention
//!
//! Errors do not nest. Every layer is generic over its error ([`ErrorType`], [`BoxError`] by default), converts the
//! inner service's error into it, and adds its own refusals through [`Refusal`]. A stack over reqwest, hyper or
//! `service_fn` needs no annotation; `.with_error::<MyError>()` on each layer selects a typed error without boxing.
//!
//! # Features
//!
//! * `bounded`: `Bounded`, a bounded map by key.
//! * `serde`: settings and snapshots implement serde's traits. Durations are text in settings (`"250ms"`), and seconds in
//!   snapshots (the module `times`).
//! * `test-util`: the probe service and the contract suite, for tests of layers.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod asked_endpoints;
mod atomic;
mod backoff;
#[cfg(feature = "bounded")]
mod bounded;
mod budget;
mod causes;
mod check;
mod classify_fn;
mod clone_service;
mod configured_registry;
mod context;
mod counters;
mod credentials;
mod epoch_watch;
mod error_type;
mod escaped;
mod event_sender;
mod events;
mod every_error;
mod follow;
mod isolated;
mod jitter;
mod labels;
mod layer_order;
mod log_limit;
mod name;
mod newest;
mod on_panic;
mod outcome;
mod plain;
mod policy;
mod ramp;
mod random;
mod reason;
mod registry;
mod rejected;
mod repeat;
mod request_copy;
pub mod run;
mod runtime;
mod runtime_end;
pub mod settings;
mod settings_by_name;
mod shared;
mod status;
mod sync;
#[cfg(feature = "test-util")]
pub mod test;
#[cfg(feature = "serde")]
pub mod times;
mod transition_log;
mod upload_clock;
mod wait;
mod window;

pub use asked_endpoints::{Asked, AskedEndpoints, FailoverId};
pub use atomic::{AtomicDuration, AtomicOptionDuration, nanos};
pub use backoff::{Backoff, Shape};
#[cfg(feature = "bounded")]
pub use bounded::{Bounded, Evict, NotInserted};
pub use budget::{Budget, BudgetSettings, BudgetSnapshot, Cost, Reservation};
pub use causes::{causes, is_out_of_files, lookup_error};
pub use check::check;
pub use classify_fn::{ClassifyFn, ContextFn, FollowFn, MarkFn, OnEnd, ReplayFn, classify_fn};
pub use clone_service::CloneService;
pub use configured_registry::{Configured, ConfiguredRegistry, Made};
pub use context::{AttemptQuota, RequestContext};
pub use counters::Counters;
pub use credentials::without_credentials;
pub use epoch_watch::{EpochWatch, StateReceiver};
pub use error_type::{Boxed, ErrorType, Typed};
pub use escaped::{Escaped, escaped};
pub use event_sender::EventSender;
pub use events::{EVENTS_KEPT, Events, Received};
pub use every_error::EveryError;
pub use follow::{Follow, HeadOnly};
pub use isolated::isolated;
pub use jitter::Jitter;
#[doc(hidden)]
pub use layer_order::{LayerKind, OrderCheck};
pub use log_limit::LogLimit;
pub use name::Name;
pub use newest::Newest;
pub use on_panic::on_panic;
pub use outcome::{Class, FailureKind, Outcome, Overload};
pub use plain::{Plain, is_http_response};
pub use policy::{CacheByKey, Classify, Contextual, Degraded, Mark, Replay};
pub use ramp::ramp_share;
pub use random::Random;
pub use reason::Reason;
pub use registry::{Found, Registry};
pub use rejected::{Refusal, Rejected};
pub use repeat::Repeat;
pub use request_copy::RequestCopy;
pub use runtime::{can_arm_timer, has_runtime};
pub use runtime_end::is_runtime_ending;
pub use settings::InvalidSetting;
#[doc(hidden)]
pub use settings_by_name::BY_NAME;
pub use settings_by_name::{DEFAULT_SETTINGS, SettingsByName};
pub use shared::Shared;
pub use status::{Level, Status, StatusReceiver, StatusSender};
pub use transition_log::TransitionLog;
pub use upload_clock::UploadClock;
pub use wait::{Change, Wait};
pub use window::{Tally, Window};

/// The default error of a stack: the same type as `tower::BoxError`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The name of the header in which health probes carry the ids of the processes that sent them, so that services that
/// probe each other do not wait for each other.
pub const PROBE_LOOP_HEADER: &str = "mainstay-hop";
