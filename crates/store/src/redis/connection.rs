//! The connection to Redis: made with the first call, shared by all calls, replaced after a failure.
//!
//! The `ConnectionManager` of the redis crate was rejected. It keeps a connection on which answers time out (a black hole)
//! or that leads to a server which is now a replica, and answers the first command after an outage with the error of its
//! last reconnect.

use std::{
    fs, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::InvalidSetting;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult, TlsCertificates,
    aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use rustls::crypto::{CryptoProvider, ring};
use tokio::sync::OnceCell;

use super::redaction::Redaction;
use crate::{RedisUrl, StorageError, StoreSettings};

/// One connection.
pub(super) type Current = Arc<Shared>;

#[derive(Default)]
pub(super) struct Shared {
    /// Empty until the connection is made.
    made: OnceCell<MultiplexedConnection>,
    /// The number of calls since the last answer whose callers gave them up.
    given_up: AtomicU32,
}

/// Part of an attempt, which is not answered yet. Dropped without an answer, it counts as given up.
pub(super) struct Unanswered<'a> {
    connection: &'a Connection,
    current: &'a Current,
}

/// The number of calls that are given up, without an answer between them, after which the connection is replaced. Callers
/// with a time limit of their own would otherwise never reach that of the attempt, and use a black hole for ever.
const GIVEN_UP: u32 = 3;

pub(super) struct Connection {
    client: Client,
    timeout: Duration,
    redaction: Redaction,
    /// `None` if the storage is closed.
    current: Mutex<Option<Current>>,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(url: &RedisUrl, settings: &StoreSettings) -> Result<Self, InvalidSetting> {
        let info = address(url)?;
        let redaction = Redaction::new(info.redis_settings());
        let client = client(info, url, settings)?;
        Ok(Self { client, timeout: settings.timeout, redaction, current: Mutex::new(Some(Current::default())) })
    }

    pub(super) fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// Returns the connection of new calls, which may not be made yet.
    ///
    /// # Errors
    /// The storage is closed.
    pub(super) fn current(&self) -> Result<Current, StorageError> {
        self.lock().clone().ok_or_else(StorageError::closed)
    }

    /// Makes this connection, or waits for the call that makes it.
    pub(super) async fn open_once(&self, current: &Current) -> RedisResult<MultiplexedConnection> {
        current.made.get_or_try_init(|| self.connect()).await.cloned()
    }

    pub(super) fn unanswered<'a>(&'a self, current: &'a Current) -> Unanswered<'a> {
        Unanswered { connection: self, current }
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        if matches!(self.client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. }) {
            choose_provider();
        }
        // The time limit of an answer is that of the attempt.
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(self.timeout)).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Lets the next call make another connection. Calls that use this one finish on it.
    pub(super) fn discard(&self, failed: &Current) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, failed)) {
            *current = Some(Current::default());
        }
    }

    pub(super) fn open(&self) {
        self.lock().get_or_insert_default();
    }

    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Unanswered ===

impl Unanswered<'_> {
    /// The attempt ended by itself.
    pub(super) fn answered(self) {
        self.current.given_up.store(0, Relaxed);
        mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.current.given_up.fetch_add(1, Relaxed) + 1 >= GIVEN_UP {
            self.connection.discard(self.current);
        }
    }
}

fn address(url: &RedisUrl) -> Result<ConnectionInfo, InvalidSetting> {
    let invalid = |reason: &str| {
        let allowed = format!("must be a URL such as redis://localhost:6379 ({reason})");
        InvalidSetting::new("redis_url", url, allowed)
    };
    // The crate's text says what is wrong, and does not quote the URL.
    let info = url.with_credentials().into_connection_info().map_err(|error| invalid(&error.to_string()))?;
    // Small commands are sent at once: they do not wait for the acknowledgement of the one before.
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

fn client(info: ConnectionInfo, url: &RedisUrl, settings: &StoreSettings) -> Result<Client, InvalidSetting> {
    let invalid_url = |error| InvalidSetting::new("redis_url", url, format!("must be the URL of a server: {error}"));
    let Some(file) = &settings.ca_file else { return Client::open(info).map_err(invalid_url) };
    let invalid = |allowed: String| InvalidSetting::new("ca_file", file.display(), allowed);
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Err(invalid("must be absent unless the redis_url starts with rediss://".into()));
    }
    let pem = fs::read(file).map_err(|error| invalid(format!("must be a file of certificates in PEM: {error}")))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(invalid("must be a file of certificates in PEM".into()));
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
    Client::build_with_tls(info, certificates)
        .map_err(|error| invalid(format!("must be a file of certificates in PEM: {error}")))
}

/// Chooses `ring` for the process, unless the application has chosen. The redis crate uses the choice of the process, and
/// rustls panics if there is none and two providers are compiled in.
fn choose_provider() {
    if CryptoProvider::get_default().is_none() {
        let _ = ring::default_provider().install_default();
    }
}
