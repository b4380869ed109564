//! A demo server with faults.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::RETRY_AFTER};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

/// A running server.
#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<Fault>>,
    name: &'static str,
}

/// The fault of a server.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Requests are answered.
    None,
    /// The server answers 500, also on its health route.
    Broken,
    /// The server answers 429 with `Retry-After: 1` until then. Its health route succeeds.
    BusyUntil(Instant),
    /// The server does not answer requests. Its health route succeeds.
    Silent,
}

// === impl Server ===

impl Server {
    /// Starts a server on a free port. It runs until the process ends.
    ///
    /// # Errors
    /// The listener cannot be bound.
    pub async fn start(name: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = Self { address: listener.local_addr()?, state: Arc::new(Mutex::new(Fault::None)), name };
        let app =
            Router::new().route("/orders", get(orders)).route("/healthz", get(healthz)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(server)
    }

    /// Returns the address of the listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the fault.
    pub fn set(&self, fault: Fault) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Fault {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn orders(State(server): State<Server>) -> Response {
    match server.fault() {
        Fault::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::BusyUntil(end) if Instant::now() < end => {
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response()
        }
        Fault::Silent => {
            sleep(Duration::from_secs(3600)).await;
            "too late".into_response()
        }
        Fault::None | Fault::BusyUntil(_) => format!("orders of the {}", server.name).into_response(),
    }
}

async fn healthz(State(server): State<Server>) -> StatusCode {
    match server.fault() {
        Fault::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}
