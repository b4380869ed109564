//! A fallback layer for Tower: when the service cannot answer, something else does, and says so.
//!
//! [`FallbackLayer`] runs its steps in order when the service below fails, is overloaded, or was refused by a layer
//! (an open breaker, a full bulkhead); not for what is the caller's own mistake. The first step that works answers; its
//! answer is marked as degraded through the policy and counted. If none works, the caller gets the *original* error.
//!
//! | step | answers with | needs of the request |
//! |---|---|---|
//! | [`backup`] | another service, for at most 5 s | a copy |
//! | [`last_good`] (feature `last-good`) | the last good answer to the same question, up to 300 s old | a key |
//! | [`value`], [`value_from`] | a value, a function of the failure | nothing |
//! | [`value_fn`] | a function of the request and the failure | a copy |
//! | [`step`], [`step_fn`] | whatever you do | a copy |
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
//! let layer = FallbackLayer::new(backup(replica).named("replica").or(value("hello")));
//! let greet = layer.named("greet").layer(primary);
//! assert_eq!(greet.oneshot("ann".to_owned()).await?, "hello ann");
//! # Ok(())
//! # }
//! ```
//!
//! The request is copied only where a step needs a copy, which is a property of the chain's type: a chain of values
//! asks neither for `Clone` nor for a policy that can repeat requests.
//!
//! # When not to use it
//!
//! A fallback belongs outermost, around retries and total timeout. Inside a retry it hides from it what is to be
//! repeated. To choose between equal endpoints, which must be probed and returned to, use a failover.
//!
//! # Features
//!
//! * `last-good`: the memory of last good answers, on `moka`.
//! * `serde`: settings and snapshots implement serde's traits; durations read as `"250ms"`.

mod backup;
mod begun;
mod cause;
mod chain;
mod future;
mod handle;
#[cfg(feature = "last-good")]
mod last_good;
mod layer;
#[cfg(feature = "last-good")]
mod memory;
mod registry;
mod run;
mod service;
mod settings;
mod snapshot;
mod state;
mod step;
#[cfg(feature = "last-good")]
mod transfer;
mod usage;
mod value;
mod walk;

pub use backup::{Backup, BackupSettings, backup};
#[doc(hidden)]
pub use begun::{Asked, Begun, Working};
pub use cause::Cause;
pub use chain::{Answers, Chain, Or};
pub use future::FallbackFuture;
pub use handle::Fallbacks;
#[cfg(feature = "last-good")]
pub use last_good::{LastGood, LastGoodSettings, last_good, last_good_if};
pub use layer::FallbackLayer;
#[cfg(feature = "last-good")]
pub use memory::Memory;
pub use registry::FallbackRegistry;
pub use service::Fallback;
pub use settings::FallbackSettings;
pub use snapshot::{FallbackSnapshot, StepSnapshot};
#[doc(hidden)]
pub use state::{Clear, StepState};
pub use step::{Own, Step, step, step_fn};
#[cfg(feature = "last-good")]
pub use transfer::{Always, KeyOf, Sometimes, Through, Transfer, Whole};
pub use value::{Value, ValueFn, ValueFrom, value, value_fn, value_from};
