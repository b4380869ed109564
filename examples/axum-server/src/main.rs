//! An axum server with Mainstay's layers over all routes and over one of them.
//!
//! Start reading at `app.rs`; `prices.rs` is the route around a dependency that fails.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use mainstay::{
    BoxError,
    drain::{Drain, DrainReport, DrainSettings, serve},
};
use tokio::net::TcpListener;

mod app;
mod basket;
mod demo;
mod introduction;
mod prices;

#[tokio::main]
async fn main() -> Result<DrainReport, BoxError> {
    // First, so that a signal during the start is not lost.
    let drain = Drain::on_signals()?;
    // A second is enough for a demonstration. Behind a load balancer keep the default.
    drain.reconfigure(DrainSettings { drain_delay: Duration::from_secs(1), ..DrainSettings::default() })?;
    tracing_subscriber::fmt().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).init();

    let address = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(&address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let app = app::app(&drain)?;
    // Unlike `println!`, this does not panic if stdout is closed.
    let _ = writeln!(io::stdout(), "{}", introduction::introduction(listener.local_addr()?));
    // The exit code is 0 if no request was cut off, 1 otherwise.
    Ok(serve(listener, app, &drain).await)
}
