//! The faults of a demo backend, which are set on demand.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::connection::Connection;

/// The fault of the backend: the body of `POST /demo/fault`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Fault {
    /// No fault: `{"fault":"recover"}`.
    #[default]
    #[serde(rename = "recover")]
    None,
    /// Answers with this status: `{"fault":"fail","status":500}`.
    Fail {
        #[serde(default = "internal_server_error")]
        status: u16,
        /// Adds `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// Does not answer until the fault changes: `{"fault":"hang"}`.
    Hang,
    /// Answers late: `{"fault":"slow","delay_ms":2000}`.
    Slow {
        #[serde(default = "two_seconds")]
        delay_ms: u64,
    },
    /// Resets the connection: `{"fault":"reset"}`.
    Reset,
}

/// The fault of one backend, shared by its handlers.
#[derive(Clone, Debug)]
pub(super) struct Faults(Arc<watch::Sender<Fault>>);

// === impl Faults ===

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Fault::None)))
    }
}

/// `GET /demo/fault`
pub(super) async fn current(State(faults): State<Faults>) -> Json<Fault> {
    Json(*faults.0.borrow())
}

/// `POST /demo/fault`. Takes any content type, so that `curl -d` is enough.
pub(super) async fn set(State(faults): State<Faults>, body: Bytes) -> Result<Json<Fault>, (StatusCode, String)> {
    let fault = serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))?;
    faults.0.send_replace(fault);
    Ok(Json(fault))
}

/// Applies the fault to every request under the prefix.
pub(super) async fn apply(
    State(faults): State<Faults>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let fault = *faults.0.borrow();
    match fault {
        Fault::None => {}
        Fault::Fail { status, retry_after_seconds } => return failure(status, retry_after_seconds),
        // Waiting cannot fail, because the sender lives as long as the backend.
        Fault::Hang => drop(faults.0.subscribe().wait_for(|fault| *fault != Fault::Hang).await),
        Fault::Slow { delay_ms } => tokio::time::sleep(Duration::from_millis(delay_ms)).await,
        Fault::Reset => {
            connection.reset();
            std::future::pending::<()>().await;
        }
    }
    next.run(request).await
}

fn failure(status: u16, retry_after_seconds: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, "POST /demo/fault made this request fail\n").into_response();
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn internal_server_error() -> u16 {
    500
}

fn two_seconds() -> u64 {
    2_000
}
