//! What a component says of itself to health checks, failover and pages.

use std::fmt;

use tokio::{sync::watch, time::Instant};

/// How a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Level {
    /// It works.
    Healthy,
    /// It works, but not as it should: on a backup, in trial, with less.
    Degraded,
    /// It does not work.
    Unhealthy,
    /// Nobody knows (yet, or no longer).
    Unknown,
}

/// A component's state at one time, with its reason: what `breaker, probes -> Status` carries.
#[derive(Clone, Debug)]
pub struct Status {
    /// How it is.
    pub level: Level,
    /// Why, in words for people; empty when there is nothing to say.
    pub reason: String,
    /// Since when.
    pub since: Instant,
}

/// The one who knows the state: publishes it, and never blocks on a reader.
#[derive(Debug)]
pub struct StatusSender(watch::Sender<Status>);

/// A reader of a state: looks at it, or waits for it to change.
#[derive(Clone, Debug)]
pub struct StatusReceiver(watch::Receiver<Status>);

// === impl Level ===

impl Level {
    /// The word that health endpoints print.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl Status ===

impl Status {
    /// A state from now on.
    #[must_use]
    pub fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into(), since: Instant::now() }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.level),
            reason => write!(f, "{}: {}", self.level, reason.escape_debug()),
        }
    }
}

// === impl StatusSender ===

impl StatusSender {
    /// A sender whose first state this is.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self(watch::Sender::new(status))
    }

    /// Publishes a level with its reason. `since` moves only when the level changes, and readers wake only when
    /// something changed.
    pub fn publish(&self, level: Level, reason: impl Into<String>) {
        let reason = reason.into();
        self.0.send_if_modified(|status| {
            let moved = status.level != level;
            if moved {
                status.since = Instant::now();
            }
            let changed = moved || status.reason != reason;
            (status.level, status.reason) = (level, reason);
            changed
        });
    }

    /// A reader.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        StatusReceiver(self.0.subscribe())
    }

    /// The state now.
    #[must_use]
    pub fn get(&self) -> Status {
        self.0.borrow().clone()
    }
}

// === impl StatusReceiver ===

impl StatusReceiver {
    /// The state now.
    #[must_use]
    pub fn get(&self) -> Status {
        self.0.borrow().clone()
    }

    /// Waits for the next change, and gives the new state; `None` once the component is gone.
    pub async fn changed(&mut self) -> Option<Status> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn since_moves_with_the_level_only_and_no_news_wakes_nobody() {
        let sender = StatusSender::new(Status::new(Level::Healthy, ""));
        let mut reader = sender.subscribe();
        let start = sender.get().since;
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        sender.publish(Level::Healthy, "");
        assert!(tokio_test_pending(reader.changed()).await);
        sender.publish(Level::Healthy, "still");
        assert_eq!(reader.changed().await.unwrap().since, start);
        sender.publish(Level::Unhealthy, "gone");
        let status = reader.changed().await.unwrap();
        assert_eq!(status.to_string(), "unhealthy: gone");
        assert!(status.since > start);
        drop(sender);
        assert!(reader.changed().await.is_none());
    }

    async fn tokio_test_pending(future: impl Future) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), future).await.is_err()
    }
}
