//! A shutdown that ends on time.
//!
//! A [`Drain`] listens for SIGTERM and SIGINT and moves the process through its shutdown phases. `serve` runs an axum
//! `Router` under it: the server stops accepting, completes the requests in flight, and ends at the limit.
//!
//! Use it instead of `axum::serve` where the process must end in bounded time: `axum::serve` with graceful shutdown
//! waits for as long as any client keeps half a request head open. Handlers, pools and servers of other frameworks take
//! part by [`Drain::reached`] and [`Drain::on_shutdown`]. Health endpoints read the drain: give its handle to
//! `mainstay-health`'s builder, and the process is not ready from the moment that the drain begins.
//!
//! ```no_run
//! # #[cfg(feature = "serve")]
//! # mod example {
//! use axum::{Router, routing::get};
//! use mainstay_drain::{Drain, DrainReport, serve};
//!
//! #[tokio::main]
//! async fn main() -> Result<DrainReport, Box<dyn std::error::Error>> {
//!     // First, so that a signal that arrives during the start is not lost.
//!     let drain = Drain::on_signals()?;
//!     let app = Router::new().route("/", get(|| async { "hello" }));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     Ok(serve(listener, app, &drain).await)
//! }
//! # }
//! ```
//!
//! # Features
//!
//! * `serve`: the server, on axum and hyper-util.
//! * `systemd`: ready, stopping and watchdog messages.
//! * `serde`: settings and reports implement serde's traits, durations of settings as `"250ms"`.
//! * `full`: all of them.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "serve")]
mod connection;
#[cfg(feature = "serve")]
mod connection_limit;
#[cfg(feature = "serve")]
mod connection_state;
mod drain;
#[cfg(feature = "serve")]
mod head_size;
mod hooks;
#[cfg(feature = "serve")]
mod linger;
#[cfg(feature = "serve")]
mod pause;
mod phase;
mod report;
#[cfg(feature = "serve")]
mod request;
#[cfg(feature = "serve")]
mod request_body;
#[cfg(feature = "serve")]
mod request_counters;
#[cfg(feature = "serve")]
mod response_body;
#[cfg(feature = "serve")]
mod send_progress;
#[cfg(feature = "serve")]
mod server;
#[cfg(feature = "serve")]
mod server_settings;
mod settings;
mod signals;
mod state;
#[cfg(feature = "serve")]
mod stream;
#[cfg(all(feature = "systemd", unix))]
mod systemd;
#[cfg(feature = "serve")]
mod tracked_io;

#[cfg(feature = "serve")]
pub use connection_limit::{ConnectionLimit, ConnectionSnapshot};
pub use drain::Drain;
pub use mainstay_core::InvalidSetting;
pub use phase::{Cause, Phase};
pub use report::{DrainReport, RequestCounts};
#[cfg(feature = "serve")]
pub use server::{Server, serve};
#[cfg(feature = "serve")]
pub use server_settings::ServerSettings;
pub use settings::DrainSettings;
#[cfg(all(feature = "systemd", unix))]
pub use systemd::Notifier;
