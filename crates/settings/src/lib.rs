//! Settings of Mainstay's layers from TOML, JSON and the environment, and their live reload.
//!
//! Every layer has a plain settings struct, whose durations are written as text (`"250ms"`, `"1m 30s"`). This crate
//! reads any of them, or a struct of yours that holds several. Its errors contain the place of a mistake, the value that
//! was written and the values that are allowed; general configuration crates report only that a value is wrong.
//!
//! ```
//! use mainstay_retry::RetrySettings;
//! use mainstay_settings::from_toml;
//!
//! let retry = from_toml("max_attempts = 5\ndeadline = '3s'", RetrySettings::validate)?;
//! assert_eq!(retry.max_attempts, 5);
//!
//! let error = from_toml("max_attempts = 5\ndeadline = 'soon'", RetrySettings::validate).unwrap_err();
//! let expected = r#"line 2: deadline = "soon": must be a duration, such as "250ms" or "1m 30s", or "off""#;
//! assert_eq!(error.to_string(), expected);
//! # Ok::<_, mainstay_settings::Error>(())
//! ```
//!
//! # A stack from a file
//!
//! `examples/stack.toml` in this crate has every setting of the standard stack with its default, `examples/dependency.toml`
//! those of the stack around one dependency. [`Sources`] reads the
//! table `[stack]` of such a file, and variables over it; a [`Reloader`] applies each change of the file to a running
//! stack:
//!
//! ```
//! use mainstay_failover::{Endpoint, stack::{Standard, StandardSettings}};
//! use mainstay_settings::{Reloader, Sources};
//! use tower::{BoxError, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/stack.toml");
//! // ORDERS__RETRY__MAX_ATTEMPTS=5 wins over the file.
//! let sources = Sources::file(file).table("stack").environment("ORDERS");
//! let primary = service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id + 1) });
//! let endpoints = [Endpoint::new("primary", primary)];
//! let orders = Standard::new("orders", endpoints, sources.read(StandardSettings::validate)?)?;
//!
//! let handles = orders.handles().clone();
//! let reloading = Reloader::new(sources).start(move |settings: StandardSettings| handles.reconfigure(&settings))?;
//! let orders = orders.build();
//! // .. serve; the file is followed until `reloading` is dropped.
//! # drop((orders, reloading));
//! # Ok(()) }
//! ```
//!
//! # How values are written
//!
//! * A duration is text: `"250ms"`, `"30s"`, `"1m 30s"`.
//! * `"off"` turns off what can be turned off (TOML has no null; in JSON `null` does it, too). Settings are written in the
//!   same way, so that they are read back as they were. In a struct of yours, mark such fields by
//!   [`or_off`](mainstay_core::settings::or_off), and durations by
//!   [`or_off::duration`](mainstay_core::settings::or_off::duration); for other fields `"off"` is text:
//!
//! ```
//! use std::time::Duration;
//! use mainstay_settings::from_toml;
//!
//! #[derive(serde::Deserialize)]
//! struct Program {
//!     switch: Option<String>,
//!     #[serde(with = "mainstay_core::settings::or_off::duration")]
//!     idle: Option<Duration>,
//! }
//!
//! let program: Program = from_toml("switch = 'off'\nidle = 'off'", |_| Ok(()))?;
//! assert_eq!((program.switch.as_deref(), program.idle), (Some("off"), None));
//! # Ok::<_, mainstay_settings::Error>(())
//! ```
//! * A variable is named by its prefix and the path of the field, in capitals, with two underscores between:
//!   `ORDERS__FAILOVER__HOLD__BASE=1m`. An empty one counts as not set; a list has commas. A name with the prefix and two
//!   underscores that leads to no field is an error. One with a single underscore that is near a setting is a warning
//!   ([`Sources::warnings`]), because other programs may use the same prefix.
//! * A [`FlatName`] gives a nested setting a second, flat name.
//! * A setting that is not given keeps its default, also within a table that is written in part: `bulkhead.queue = 10` of
//!   a stack leaves the limit at the stack's 256.
//!
//! # Settings by name
//!
//! A field of type [`SettingsByName`](mainstay_core::SettingsByName) is a table of settings for a registry of limits or
//! breakers. An entry has what `default` sets, or what the entry sets that it names as its `base`, except what it sets
//! itself:
//!
//! ```
//! use mainstay_bulkhead::{LimitRegistry, LimitSettings};
//! use mainstay_core::SettingsByName;
//! use mainstay_settings::from_toml;
//!
//! let file = "
//!     default = { limit = 10, queue = 100 }
//!     database = { limit = 20, execution_timeout = '10s' }
//!     replica = { base = 'database', limit = 5 }
//! ";
//! let settings: SettingsByName<LimitSettings> = from_toml(file, |all: &SettingsByName<_>| all.validate(LimitSettings::validate))?;
//! let limits = LimitRegistry::with_settings(settings)?;
//! let replica = limits.get("replica").settings();
//! assert_eq!((replica.limit, replica.queue, replica.execution_timeout.unwrap().as_secs()), (5, 100, 10));
//! # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! Errors show the value that was refused, and the log shows what a reload changed: keep secrets out of these files.
//!
//! # Features
//!
//! * `json`: files and text in JSON.
//! * `signal`: reload on SIGHUP (Unix).
#![cfg_attr(docsrs, feature(doc_cfg))]

mod by_name;
mod document;
mod error;
mod flat;
mod flat_name;
mod format;
mod hangup;
#[cfg(feature = "json")]
mod json;
mod lines;
mod misspelt;
mod node;
mod read_error;
mod reader;
mod reading;
mod reloader;
mod results;
mod scalar;
mod short;
mod sources;
mod variables;
mod watched_file;

pub use error::Error;
pub use flat_name::FlatName;
pub use reloader::{Reloader, Reloading};
pub use results::ReloadSnapshot;
#[cfg(feature = "json")]
pub use short::from_json;
pub use short::{from_file, from_toml};
pub use sources::Sources;
