//! The limit of connections: a handle that counts them, and publishes whether further ones are refused.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use mainstay_core::{InvalidSetting, Level, LogLimit, Status, StatusReceiver, StatusSender};
use tokio::{sync::watch, time::Instant};

/// Connections above the limit that are served by the reserve.
pub(crate) const RESERVE: usize = 64;

/// The open connections of a server. Clones share it.
#[derive(Clone)]
pub struct ConnectionLimit(Arc<Inner>);

struct Inner {
    limit: usize,
    /// Has one receiver for each open connection, upgraded ones included.
    open: watch::Sender<()>,
    served_by_reserve: AtomicU64,
    refused: AtomicU64,
    is_full: AtomicBool,
    status: StatusSender,
    log_limit: LogLimit,
}

/// The figures of a [`ConnectionLimit`] at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConnectionSnapshot {
    /// Connections that are served at once.
    pub limit: usize,
    /// Connections that are open now, those in the reserve included.
    pub open: usize,
    /// Connections above the limit that the reserve served.
    pub served_by_reserve: u64,
    /// Connections that were closed unserved.
    pub refused: u64,
}

/// How a new connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Regular,
    Reserve,
    None,
}

// === impl ConnectionLimit ===

impl ConnectionLimit {
    /// Creates a limit of 1 to 1,000,000 connections.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(limit: usize) -> Result<Self, InvalidSetting> {
        match limit {
            1..=1_000_000 => Ok(Self::unchecked(limit)),
            other => Err(InvalidSetting::new("max_connections", other, "must be 1 to 1000000")),
        }
    }

    pub(crate) fn unchecked(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            open: watch::Sender::new(()),
            served_by_reserve: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            log_limit: LogLimit::default(),
        }))
    }

    /// Returns the figures.
    #[must_use]
    pub fn snapshot(&self) -> ConnectionSnapshot {
        let Inner { limit, served_by_reserve, refused, .. } = &*self.0;
        let (served_by_reserve, refused) = (served_by_reserve.load(Relaxed), refused.load(Relaxed));
        ConnectionSnapshot { limit: *limit, open: self.open(), served_by_reserve, refused }
    }

    /// Follows whether the limit is reached: degraded from the first connection above it until a quarter of the
    /// connections is free.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.status.subscribe()
    }

    /// Returns the number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.0.open.receiver_count()
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_closed(&self) {
        self.0.open.closed().await;
    }

    /// Returns what a connection holds while it is open.
    pub(crate) fn hold(&self) -> watch::Receiver<()> {
        self.0.open.subscribe()
    }

    /// Decides how a new connection is served. Called by the one task that accepts.
    pub(crate) fn admit(&self) -> Place {
        let (inner, open) = (&*self.0, self.open());
        if open < inner.limit {
            self.on_close();
            return Place::Regular;
        }
        let log = |left_out| {
            tracing::warn!(
                open,
                limit = inner.limit,
                left_out,
                "connection limit reached: new connections are refused"
            );
        };
        if inner.is_full.swap(true, Relaxed) {
            inner.log_limit.fault_lasts(Instant::now()).map(log);
        } else {
            inner.log_limit.fault(Instant::now()).map(log);
            inner.status.publish(Level::Degraded, "full: connections are refused");
        }
        if open < inner.limit.saturating_add(RESERVE) {
            inner.served_by_reserve.fetch_add(1, Relaxed);
            return Place::Reserve;
        }
        inner.refused.fetch_add(1, Relaxed);
        Place::None
    }

    /// Records that a connection may have ended. Called by the one task that accepts.
    pub(crate) fn on_close(&self) {
        let (inner, open) = (&*self.0, self.open());
        if !inner.is_full.load(Relaxed) || open > inner.limit / 4 * 3 {
            return;
        }
        inner.is_full.store(false, Relaxed);
        inner.status.publish(Level::Healthy, "");
        if let Some(left_out) = inner.log_limit.recovery() {
            tracing::info!(open, left_out, "connections are accepted again");
        }
    }
}

impl fmt::Debug for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionLimit").field("snapshot", &self.snapshot()).finish()
    }
}
