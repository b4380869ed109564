//! Writes in the background: the newest value of each key reaches the store, at once or when the store is back.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::{InvalidSetting, Name};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    Storage, StorageError, Store,
    json::to_json,
    limits::{check_expire, check_key},
};

mod pending;
mod settings;
mod shared;
mod snapshot;
mod writer;

use pending::Write;
pub use settings::WriteBehindSettings;
use shared::{DROPPED, FAILED, Shared, WRITTEN};
pub use snapshot::WriteBehindSnapshot;

/// Writes of requests that do not wait for a store, and that an outage of the store does not lose. A clone is cheap and
/// shares it.
///
/// A write is kept in memory and made by a task, which waits while the store does not work. Of several writes of one key
/// only the newest is made. Use it for state that is decided here and shared with other processes: a mode, the last good
/// answer, a report. Use [`RequestPath`](crate::RequestPath) where a request needs what the store answers.
///
/// What waits is bounded; the oldest writes are dropped first and counted. What waits when the last clone is dropped is
/// lost: [`flush`](Self::flush) first.
///
/// ```
/// use std::time::Duration;
/// use mainstay_store::{Store, WriteBehind, WriteBehindSettings};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::memory();
/// let writes = WriteBehind::new("modes", &store, WriteBehindSettings::default())?;
///
/// // Returns at once, also while the store is down.
/// writes.set("mode", "heuristic", Duration::from_secs(3600))?;
/// writes.set("mode", "safe", Duration::from_secs(3600))?;
///
/// // At the end of the program, within its time for a shutdown.
/// tokio::time::timeout(Duration::from_secs(5), writes.flush()).await?;
/// assert_eq!(store.get::<String>("mode").await?.as_deref(), Some("safe"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct WriteBehind {
    shared: Arc<Shared>,
    prefix: Arc<str>,
}

// === impl WriteBehind ===

impl WriteBehind {
    /// Creates writes to a store, with its prefix.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(name: impl Into<Name>, store: &Store, settings: WriteBehindSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|invalid| invalid.of(&name))?;
        let storage: Arc<dyn Storage> = Arc::clone(store.storage());
        Ok(Self { shared: Arc::new(Shared::new(name, storage, settings)), prefix: store.prefix().into() })
    }

    /// Writes a value that expires after this time from now. Returns at once.
    ///
    /// # Errors
    /// The key or the expiry is out of its range, or the value has no form in JSON.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T, expire: Duration) -> Result<(), StorageError> {
        check_expire(expire)?;
        let write = Write { value: Some(to_json(value)?), expires: Instant::now() + expire };
        self.put(key, write)
    }

    /// Removes a key. Returns at once. The removal waits for the store for a day at most.
    ///
    /// # Errors
    /// The key is out of its range.
    pub fn delete(&self, key: &str) -> Result<(), StorageError> {
        const WAITS: Duration = Duration::from_secs(24 * 3600);
        self.put(key, Write { value: None, expires: Instant::now() + WAITS })
    }

    fn put(&self, key: &str, write: Write) -> Result<(), StorageError> {
        check_key(key)?;
        let key = format!("{}{key}", self.prefix);
        check_key(&key)?;
        self.shared.put(key.into(), write);
        writer::ensure_running(&self.shared);
        Ok(())
    }

    /// Waits until all writes are made. While the store does not work, it waits for the store: set a time limit.
    pub async fn flush(&self) {
        let mut is_idle = self.shared.subscribe();
        loop {
            writer::ensure_running(&self.shared);
            if *is_idle.borrow_and_update() || is_idle.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.shared.name
    }

    /// Returns the counts.
    #[must_use]
    pub fn snapshot(&self) -> WriteBehindSnapshot {
        let counts = self.shared.counters.read();
        WriteBehindSnapshot {
            name: self.name().clone(),
            waiting: self.shared.waiting(),
            written: counts[WRITTEN],
            dropped: counts[DROPPED],
            failed: counts[FAILED],
        }
    }
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind").field("name", self.name()).finish_non_exhaustive()
    }
}
