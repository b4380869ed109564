//! The published status of a component, read by health checks, failover and status pages.

use std::fmt;

use tokio::time::Instant;

use crate::{EpochWatch, StateReceiver, escaped};

/// The health of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Level {
    /// It works.
    Healthy,
    /// It works with restrictions: on a backup, half-open, at its limit.
    Degraded,
    /// It does not work.
    Unhealthy,
    /// Not checked yet, or the last result expired.
    Unknown,
}

/// The health of a component at one time, with the reason.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Status {
    /// The health.
    pub level: Level,
    /// The reason, for operators; may be empty.
    pub reason: String,
    /// When the level last changed.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::times::timestamp"))]
    pub since: Instant,
}

/// The publishing side of a component's status. Publishing never waits for a receiver.
#[derive(Debug)]
pub struct StatusSender(EpochWatch<Status>);

/// The receiving side of a component's status.
#[derive(Clone, Debug)]
pub struct StatusReceiver(StateReceiver<Status>);

// === impl Level ===

crate::labels! {
    Level:
    Healthy => "healthy",
    Degraded => "degraded",
    Unhealthy => "unhealthy",
    Unknown => "unknown",
}

// === impl Status ===

impl Status {
    /// Creates a status that begins now.
    #[must_use]
    pub fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into(), since: Instant::now() }
    }

    /// Changes the level and the reason. Returns whether one of them is new.
    fn update(&mut self, level: Level, reason: String) -> bool {
        let is_new_level = self.level != level;
        if is_new_level {
            self.since = Instant::now();
        }
        let is_new = is_new_level || self.reason != reason;
        (self.level, self.reason) = (level, reason);
        is_new
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.level),
            reason => write!(f, "{}: {}", self.level, escaped(reason)),
        }
    }
}

// === impl StatusSender ===

impl StatusSender {
    /// Creates a sender with its first status.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self(EpochWatch::new(status))
    }

    /// Publishes a level with its reason. `since` changes only with the level, and receivers wake only if something
    /// changed. For a component with one publishing thread at a time; see [`publish_at`](Self::publish_at).
    pub fn publish(&self, level: Level, reason: impl Into<String>) {
        let reason = reason.into();
        self.0.modify(|status| status.update(level, reason));
    }

    /// Publishes the level of this epoch, unless that of a newer epoch was published. For a component whose changes are
    /// numbered under its lock and published after it, by several threads.
    pub fn publish_at(&self, epoch: u64, level: Level, reason: impl Into<String>) {
        let reason = reason.into();
        self.0.send(epoch, |status| status.update(level, reason));
    }

    /// Returns a new receiver.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        StatusReceiver(self.0.subscribe())
    }

    /// Returns the current status.
    #[must_use]
    pub fn get(&self) -> Status {
        self.0.get()
    }
}

// === impl StatusReceiver ===

impl StatusReceiver {
    /// Returns the current status.
    #[must_use]
    pub fn get(&self) -> Status {
        self.0.get()
    }

    /// Waits for the next change and returns the new status, or `None` once the sender is dropped.
    pub async fn changed(&mut self) -> Option<Status> {
        self.0.changed().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn since_changes_with_the_level_and_equal_status_wakes_no_receiver() {
        let sender = StatusSender::new(Status::new(Level::Healthy, ""));
        let mut reader = sender.subscribe();
        let start = sender.get().since;
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        sender.publish(Level::Healthy, "");
        assert!(is_pending(reader.changed()).await);
        sender.publish(Level::Healthy, "still");
        assert_eq!(reader.changed().await.unwrap().since, start);
        sender.publish(Level::Unhealthy, "gone");
        let status = reader.changed().await.unwrap();
        assert_eq!(status.to_string(), "unhealthy: gone");
        assert!(status.since > start);
        drop(sender);
        assert!(reader.changed().await.is_none());
    }

    async fn is_pending(future: impl Future) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), future).await.is_err()
    }
}
