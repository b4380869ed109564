//! A gateway and its backends, each a process of its own.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    client::{Answer, get, post, until},
    process::Process,
};

/// Settings with short times, so that holds and intervals pass within a test.
const QUICK: &[(&str, &str)] = &[
    ("LISTEN_ADDR", "127.0.0.1:0"),
    ("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.4"),
    ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "0.5"),
    ("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0"),
    ("BACKEND_HEALTH_PROBE_BACKOFF_BASE_SECONDS", "0.05"),
    ("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "1"),
    ("ATTEMPT_TIMEOUT_SECONDS", "2"),
    ("REQUEST_TIMEOUT_SECONDS", "5"),
    ("DRAIN_DELAY_SECONDS", "0"),
    ("DRAIN_TIMEOUT_SECONDS", "5"),
];

/// Times that a busy machine does not exceed, for tests in which a backend that answers must count as one.
pub(crate) const PATIENT: [(&str, &str); 4] = [
    ("BACKEND_HEALTH_TIMEOUT_SECONDS", "1.9"),
    ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "2"),
    ("ATTEMPT_TIMEOUT_SECONDS", "10"),
    ("REQUEST_TIMEOUT_SECONDS", "15"),
];

pub(crate) struct Gateway(Process);

pub(crate) struct Backend(Process);

/// A gateway with a primary and a backup.
pub(crate) struct Harness {
    pub(crate) gateway: Gateway,
    pub(crate) primary: Backend,
    pub(crate) backup: Backend,
}

// === impl Gateway ===

impl Gateway {
    /// Starts a gateway with the short times, overridden by these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = QUICK.iter().chain(settings).copied().collect();
        Self(Process::start(&[], &settings))
    }

    /// Starts a gateway in front of one backend.
    pub(crate) fn before(primary: &Backend, settings: &[(&str, &str)]) -> Self {
        let url = primary.url();
        let settings: Vec<_> = [("BACKEND_API_URL", url.as_str())].iter().chain(settings).copied().collect();
        Self::start(&settings)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.0
    }

    /// Waits until the output contains a text. Returns the whole output, stdout and stderr.
    pub(crate) async fn until_logged(&self, what: &str) -> String {
        until(&format!("it logs {what:?}"), async || Some(self.0.log()).filter(|log| log.contains(what))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.address(), path).await
    }

    /// Returns `/status.json`.
    pub(crate) async fn status(&self) -> Value {
        self.get("/status.json").await.json()
    }
}

// === impl Backend ===

impl Backend {
    pub(crate) fn start(name: &str) -> Self {
        Self(Process::start(&["demo-backend", "--name", name], &[]))
    }

    /// Starts a backend at the address of an earlier one.
    pub(crate) fn restart(name: &str, address: SocketAddr) -> Self {
        Self(Process::start(&["demo-backend", "--name", name, "--listen", &address.to_string()], &[]))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.0
    }

    /// Makes it misbehave: the body of `POST /demo/fault`.
    pub(crate) async fn fault(&self, fault: Value) {
        let answer = post(self.address(), "/demo/fault", fault.to_string()).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    pub(crate) async fn recover(&self) {
        self.fault(json!({ "fault": "recover" })).await;
    }
}

// === impl Harness ===

impl Harness {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let (primary, backup) = (Backend::start("primary"), Backend::start("backup"));
        let url = backup.url();
        let settings: Vec<_> = [("BACKEND_API_FALLBACK_URL", url.as_str())].iter().chain(settings).copied().collect();
        let gateway = Gateway::before(&primary, &settings);
        Self { gateway, primary, backup }
    }

    /// Waits until the gateway reports this endpoint as the active one.
    pub(crate) async fn until_active(&self, name: &str) {
        until(&format!("{name} is active"), async || {
            (self.gateway.status().await["failover"]["active"] == name).then_some(())
        })
        .await;
    }
}
