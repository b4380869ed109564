//! A fallback layer for Tower: answers in place of a service that fails, and marks those answers as degraded.
//!
//! [`FallbackLayer`] runs its steps in order if the service below fails, is overloaded, or if a layer below rejects the
//! request (an open breaker, a full bulkhead). It does not run them for the caller's mistakes (4xx). The first step that
//! succeeds answers; the policy marks the answer as degraded. If every step fails, the caller gets the *original* error.
//!
//! | step | answers with | needs of the request |
//! |---|---|---|
//! | [`backup`] | another service, for at most 5 s | a copy |
//! | `last_good` (feature `last-good`) | the last good answer for the same key, up to 300 s old | a key |
//! | `last_good_http` (features `last-good` and `http`) | the last good HTTP response, if HTTP allows to keep it | its head |
//! | [`value`], [`value_from`] | a value, a function of the failure | nothing |
//! | [`value_fn`] | a function of the request and the failure | a copy |
//! | [`step`], [`step_fn`] | the result of a custom step | a copy |
//!
//! ```
//! use mainstay_core::BoxError;
//! use mainstay_fallback::{FallbackLayer, backup, value};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let primary = service_fn(|name: String| async move { Err::<String, _>(format!("no way to greet {name}")) });
//! let replica = service_fn(|name: String| async move { Ok::<_, BoxError>(format!("hello {name}")) });
//!
//! let layer = FallbackLayer::new("greet", backup(replica).named("replica").or(value("hello")));
//! let greet = layer.layer(primary);
//! assert_eq!(greet.oneshot("ann".to_owned()).await?, "hello ann");
//! # Ok(())
//! # }
//! ```
//!
//! The request is copied only if a step needs a copy, which is a property of the chain's type: a chain of values requires
//! neither `Clone` nor a policy that can copy requests.
//!
//! # When not to use it
//!
//! A fallback belongs outermost, around retries and total timeout: inside a retry, it hides the failures from the retry.
//! To choose between equal endpoints, with probes and failback, use a failover.
//!
//! # Features
//!
//! * `http`: with `last-good`, the step `last_good_http`, on `mainstay-http`.
//! * `last-good`: the cache of last good answers.
//! * `serde`: settings and snapshots implement serde's traits; durations of settings are `"250ms"`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "last-good")]
mod answer_cache;
mod backup;
#[cfg(feature = "last-good")]
mod by_key;
mod cause;
mod chain;
#[cfg(feature = "last-good")]
mod codec;
mod event;
mod execution;
mod future;
mod handle;
#[cfg(feature = "last-good")]
mod last_good;
mod layer;
mod live_settings;
#[cfg(all(feature = "http", feature = "last-good"))]
mod over_http;
mod registry;
#[cfg(feature = "last-good")]
mod rules;
mod run;
#[cfg(feature = "last-good")]
mod second_level;
mod service;
mod settings;
mod shared;
mod snapshot;
mod state;
mod step;
mod step_io;
mod usage;
mod value;

#[cfg(feature = "last-good")]
pub use answer_cache::{AnswerCache, PendingAnswer};
pub use backup::{Backup, BackupSettings, backup};
#[cfg(feature = "last-good")]
pub use by_key::ByKey;
pub use cause::Cause;
pub use chain::{Answers, Chain, Or};
#[cfg(feature = "last-good")]
pub use codec::{CacheKey, CloneCodec, Codec, FnCodec, KeyFn, OptionalKeyFn};
pub use event::FallbackEvent;
pub use future::FallbackFuture;
pub use handle::FallbackHandle;
#[cfg(feature = "last-good")]
pub use last_good::{LastGood, last_good, last_good_by, last_good_if, settings::LastGoodSettings};
pub use layer::FallbackLayer;
#[cfg(all(feature = "http", feature = "last-good"))]
pub use over_http::last_good_http;
pub use registry::FallbackRegistry;
#[cfg(feature = "last-good")]
pub use rules::AnswerRules;
#[cfg(feature = "last-good")]
pub use second_level::SecondLevel;
pub use service::Fallback;
pub use settings::FallbackSettings;
pub use snapshot::{FallbackSnapshot, StepSnapshot};
#[doc(hidden)]
pub use state::{Clear, StepState};
pub use step::{CustomStep, Step, step, step_fn};
#[doc(hidden)]
pub use step_io::{RunningStep, StepInput, StepStart};
pub use value::{Value, ValueFn, ValueFrom, value, value_fn, value_from};
