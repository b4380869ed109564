//! Health checks, the endpoints that show them, and a shutdown that ends on time.
//!
//! Two halves that meet in one place:
//!
//! * **Checks.** A [`Health`] runs [`Check`]s in the background and keeps what they said. Handlers read that snapshot
//!   and never run a check, so a probe costs microseconds, whatever the database does.
//!   `Health::router` serves it at `/healthz`, `/ready`, `/live` and `/startup`.
//! * **Drain.** A [`Drain`] listens for SIGTERM and SIGINT and walks the process through its last phases; `serve` runs
//!   an axum `Router` under it: it stops accepting, lets requests finish, and leaves at the limit. `axum::serve` waits
//!   for as long as a client keeps half a request head open; this does not.
//!
//! ```no_run
//! # #[cfg(feature = "serve")]
//! # mod example {
//! use axum::{Router, routing::get};
//! use mainstay_health::{Check, Drain, Health, Report, serve};
//!
//! #[tokio::main]
//! async fn main() -> Result<Report, Box<dyn std::error::Error>> {
//!     // First of all: a signal that comes while the rest is set up is not lost.
//!     let drain = Drain::on_signals()?;
//!     let health = Health::builder()
//!         .check(Check::new("database", || async { Ok::<(), std::io::Error>(()) }).critical())
//!         .drain(&drain)
//!         .build()?;
//!     let app = Router::new().route("/", get(|| async { "hello" })).merge(health.router());
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     Ok(serve(listener, app, &drain).await)
//! }
//! # }
//! ```
//!
//! # Features
//!
//! * `axum` (default): the endpoints as an axum `Router`.
//! * `serve` (default): the server that drains.
//! * `tonic`: the same registry as `grpc.health.v1`.
//! * `http`, `redis`, `disk`: ready-made checks of a downstream service, a Redis and a file system.
//! * `systemd`: ready, stopping and watchdog messages.
//! * `serde`: settings implement serde's traits, durations read as `"250ms"`.
//! * `full`: all of them.

mod builder;
mod check;
mod checks;
mod drain;
#[cfg(feature = "axum")]
mod endpoints;
#[cfg(feature = "tonic")]
mod grpc;
mod health;
#[cfg(any(feature = "axum", feature = "http"))]
mod hop;
mod record;
mod refresh;
mod snapshot;
#[cfg(all(feature = "systemd", unix))]
mod systemd;
mod verdict;
mod view;

pub use builder::HealthBuilder;
pub use check::{Check, CheckSettings};
#[cfg(all(feature = "disk", unix))]
pub use checks::disk::DiskSettings;
#[cfg(feature = "http")]
pub use checks::http::HttpCheck;
pub use drain::{Cause, Drain, DrainSettings, Phase, Report, Served};
#[cfg(feature = "serve")]
pub use drain::{Server, ServerSettings, serve};
#[cfg(feature = "tonic")]
pub use grpc::GrpcHealth;
pub use health::Health;
#[cfg(any(feature = "axum", feature = "http"))]
pub use hop::{HOP_HEADER, Hop};
pub use mainstay_core::{InvalidSetting, Level};
pub use snapshot::{CheckSnapshot, Snapshot};
#[cfg(all(feature = "systemd", unix))]
pub use systemd::Notifier;
pub use verdict::Verdict;
