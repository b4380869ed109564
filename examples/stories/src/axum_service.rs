//! An axum service: layers over all routes, settings from a file that is followed, snapshots of every handle.

use std::{path::PathBuf, time::Duration};

use axum::{Json, Router, error_handling::HandleErrorLayer, extract::State, routing::get};
use mainstay::{
    BoxError, InvalidSetting,
    bulkhead::{BulkheadLayer, Limit, LimitSettings},
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer},
    http::{Http, axum::handle_error},
    settings::{Reloader, Reloading, Sources},
    timeout::{TimeLimit, TimeoutLayer},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceBuilder;

/// The file. What it leaves out has its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    #[serde(with = "humantime_serde")]
    timeout: Duration,
    limit: LimitSettings,
    breaker: BreakerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let limit = LimitSettings { limit: 256, ..LimitSettings::default() };
        Self { timeout: Duration::from_secs(10), limit, breaker: BreakerSettings::default() }
    }
}

/// The handles of the layers. They are the state of the router, and what the file changes.
#[derive(Clone, Debug)]
pub struct Handles {
    timeout: TimeLimit,
    limit: Limit,
    breaker: Breaker,
}

impl Handles {
    fn new(settings: Settings) -> Result<Self, InvalidSetting> {
        Ok(Self {
            timeout: TimeLimit::total("orders", settings.timeout)?,
            limit: Limit::with_settings("orders", settings.limit)?,
            breaker: Breaker::with_settings("orders", settings.breaker)?,
        })
    }

    /// Applies all settings or, if one is wrong, none.
    fn reconfigure(&self, settings: Settings) -> Result<(), InvalidSetting> {
        settings.limit.validate().map_err(|wrong| wrong.within("limit"))?;
        settings.breaker.validate().map_err(|wrong| wrong.within("breaker"))?;
        self.timeout.set(settings.timeout)?;
        self.limit.reconfigure(settings.limit)?;
        self.breaker.reconfigure(settings.breaker)
    }
}

/// Builds the router, and follows the file until the second value is dropped.
///
/// # Errors
/// The file is missing or has a wrong setting.
pub fn service(file: impl Into<PathBuf>) -> Result<(Router, Reloading), BoxError> {
    let handles = Handles::new(Settings::default())?;
    let changing = handles.clone();
    let reloading = Reloader::new(Sources::file(file)).start(move |settings| changing.reconfigure(settings))?;
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(handle_error))
        .layer(TimeoutLayer::with(handles.timeout.clone()).with_policy(Http::new()))
        .layer(CircuitBreakerLayer::with(handles.breaker.clone()).with_policy(Http::new()))
        .layer(BulkheadLayer::with(handles.limit.clone()).with_policy(Http::new()));
    let orders = Router::new().route("/orders", get(async || "two apples")).layer(layers);
    let router = orders.route("/snapshots", get(snapshots)).with_state(handles);
    Ok((router, reloading))
}

async fn snapshots(State(handles): State<Handles>) -> Json<Value> {
    let Handles { timeout, limit, breaker } = handles;
    Json(json!({ "timeout": timeout.snapshot(), "limit": limit.snapshot(), "breaker": breaker.snapshot() }))
}
