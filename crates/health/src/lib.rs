//! Health checks and the endpoints that show them.
//!
//! A [`Health`] runs [`Check`]s in the background and keeps their results. Handlers read that snapshot and never run a
//! check, so a probe costs microseconds, whatever the database does. `Health::router` serves it at `/healthz`, `/ready`,
//! `/live` and `/startup`, `Health::grpc` as `grpc.health.v1`.
//!
//! Given the handle of a [`Drain`](mainstay_drain::Drain), the process is not ready from the moment that the drain
//! begins. The server that drains is in `mainstay-drain`.
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # mod example {
//! use axum::{Router, routing::get};
//! use mainstay_drain::{Drain, DrainReport, serve};
//! use mainstay_health::{Check, Health};
//!
//! #[tokio::main]
//! async fn main() -> Result<DrainReport, Box<dyn std::error::Error>> {
//!     // First, so that a signal that arrives during the start is not lost.
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
//! * `tonic`: the same registry as `grpc.health.v1`.
//! * `http`, `redis`, `disk`: ready-made checks of a downstream service, a Redis and a file system.
//! * `serde`: settings and snapshots implement serde's traits: durations as `"250ms"` in settings, as seconds in snapshots.
//! * `full`: all of them.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod check;
mod check_state;
mod checks;
#[cfg(feature = "axum")]
mod endpoints;
#[cfg(feature = "tonic")]
mod grpc;
mod health;
mod outcome;
#[cfg(any(feature = "axum", feature = "http"))]
mod probe_loop_guard;
mod registration;
mod registry;
mod runner;
mod snapshot;
mod view;

pub use builder::HealthBuilder;
pub use check::{Check, CheckSettings};
#[cfg(all(feature = "disk", unix))]
pub use checks::disk::DiskSettings;
#[cfg(feature = "tonic")]
pub use grpc::GrpcHealth;
pub use health::Health;
pub use mainstay_core::{InvalidSetting, Level};
pub use outcome::CheckOutcome;
#[cfg(any(feature = "axum", feature = "http"))]
pub use probe_loop_guard::ProbeLoopGuard;
pub use snapshot::{CheckSnapshot, Snapshot};
