//! The demo dependency, and the switch that breaks it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};

/// A service that returns the price of an apple, unless it is broken.
#[derive(Clone, Default)]
pub(crate) struct Demo(Arc<Inner>);

#[derive(Default)]
struct Inner {
    broken: AtomicBool,
    asked: AtomicU64,
}

// === impl Demo ===

impl Demo {
    /// Returns the price in cents.
    ///
    /// # Errors
    /// The dependency is broken.
    pub(crate) async fn price_of_an_apple(&self) -> io::Result<u32> {
        self.0.asked.fetch_add(1, Relaxed);
        match self.0.broken.load(Relaxed) {
            true => Err(io::ErrorKind::ConnectionRefused.into()),
            false => Ok(35),
        }
    }

    /// Returns the routes of the switch, and of the number of calls.
    pub(crate) fn router(&self) -> Router {
        let switch = |broken| post(move |State(demo): State<Self>| async move { demo.0.broken.store(broken, Relaxed) });
        Router::new()
            .route("/demo/break", switch(true))
            .route("/demo/repair", switch(false))
            .route("/demo/asked", get(|State(demo): State<Self>| async move { demo.0.asked.load(Relaxed).to_string() }))
            .with_state(self.clone())
    }
}
