//! The storage in memory: for one process, and for tests.
//!
//! Every call ends at once, without a wait. The lock is held for a look-up or a write of one key, and for a scan.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mainstay_core::InvalidSetting;
use tokio::time::Instant;

use crate::{
    Storage, StorageError, StorageErrorKind,
    limits::{check_cap, check_expire, check_key},
    storage::StorageFuture,
};

mod entries;
mod log;
mod settings;

use entries::{Content, Entries};
use log::Log;
pub use settings::MemorySettings;

/// A storage in memory, bounded in its number of keys and in bytes.
///
/// A storage that is full removes the keys that expire first. What it holds ends with the process: use it for one
/// process, for tests, and where a value that is missing costs nothing but the work to make it again. Several processes
/// share a `RedisStorage`.
///
/// ```
/// use std::time::Duration;
/// use mainstay_store::{MemoryStorage, Storage};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_store::StorageError> {
/// let storage = MemoryStorage::new();
/// storage.set("greeting", b"hello", Duration::from_secs(60)).await?;
/// assert_eq!(storage.get("greeting").await?.as_deref(), Some(&b"hello"[..]));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryStorage(Arc<Inner>);

struct Inner {
    settings: MemorySettings,
    state: Mutex<State>,
}

struct State {
    entries: Entries,
    is_closed: bool,
}

// === impl MemoryStorage ===

impl MemoryStorage {
    /// Creates an empty storage with the default settings: 10,000 keys, 64 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::build(MemorySettings::default())
    }

    /// Creates an empty storage.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: MemorySettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(settings))
    }

    fn build(settings: MemorySettings) -> Self {
        let entries = Entries::new(settings.max_entries, settings.max_bytes);
        Self(Arc::new(Inner { settings, state: Mutex::new(State { entries, is_closed: false }) }))
    }

    /// Returns the number of keys and their bytes, without those that have expired.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        self.lock().entries.size(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the entries after it has removed some that have expired.
    fn with<T>(&self, call: impl FnOnce(&mut Entries, Instant) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(StorageError::closed());
        }
        let now = Instant::now();
        state.entries.remove_expired(now);
        call(&mut state.entries, now)
    }

    fn is_too_large(&self, value: &[u8]) -> bool {
        value.len() as u64 > self.0.settings.max_value_bytes
    }

    fn check_size(&self, value: &[u8]) -> Result<(), StorageError> {
        match self.is_too_large(value) {
            true => Err(StorageError::too_large(value.len(), self.0.settings.max_value_bytes)),
            false => Ok(()),
        }
    }

    fn set_now(&self, key: &str, value: &[u8], expire: Duration) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        if self.is_too_large(value) {
            return Ok(false);
        }
        let content = Content::Value(value.into());
        self.with(|entries, now| Ok(entries.insert(key, content, now + expire)))
    }

    fn compare_and_set_now(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        expire: Duration,
    ) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        self.check_size(value)?;
        let content = Content::Value(value.into());
        self.with(|entries, now| {
            let current = entries.get(key, now).map(|content| content.value(key)).transpose()?;
            if current.as_deref() != expected {
                return Ok(false);
            }
            entries.insert(key, content, now + expire).then_some(true).ok_or_else(full)
        })
    }

    fn append_now(&self, key: &str, entry: &[u8], cap: usize, expire: Duration) -> Result<(), StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        check_cap(cap)?;
        self.check_size(entry)?;
        self.with(|entries, now| {
            let room = entries.room(key);
            if Log::bytes_of(entry) > room {
                return Err(full());
            }
            let mut log = match entries.take(key, now) {
                None => Log::default(),
                Some((Content::Log(log), _)) => log,
                Some((content @ Content::Value(_), expires)) => {
                    entries.insert(key, content, expires);
                    return Err(StorageError::malformed(key, "holds a value and no log"));
                }
            };
            log.push(entry, cap, room);
            entries.insert(key, Content::Log(log), now + expire);
            Ok(())
        })
    }
}

#[cold]
fn full() -> StorageError {
    StorageError::new(StorageErrorKind::Full, "the entry is larger than max_bytes")
}

impl Storage for MemoryStorage {
    fn get<'a>(&'a self, key: &'a str) -> StorageFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            check_key(key)?;
            let value =
                self.with(|entries, now| entries.get(key, now).map(|content| content.value(key)).transpose())?;
            Ok(value.map(|value| value.to_vec()))
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], expire: Duration) -> StorageFuture<'a, bool> {
        Box::pin(async move { self.set_now(key, value, expire) })
    }

    fn delete<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            check_key(key)?;
            self.with(|entries, now| Ok(entries.take(key, now).is_some()))
        })
    }

    fn exists<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            check_key(key)?;
            self.with(|entries, now| Ok(entries.get(key, now).is_some()))
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str, limit: usize) -> StorageFuture<'a, Vec<String>> {
        Box::pin(async move { self.with(|entries, now| Ok(entries.scan(prefix, limit, now))) })
    }

    fn compare_and_set<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        expire: Duration,
    ) -> StorageFuture<'a, bool> {
        Box::pin(async move { self.compare_and_set_now(key, expected, value, expire) })
    }

    fn append<'a>(&'a self, log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> StorageFuture<'a, ()> {
        Box::pin(async move { self.append_now(log, entry, cap, expire) })
    }

    fn read<'a>(&'a self, log: &'a str, n: usize) -> StorageFuture<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            check_key(log)?;
            self.with(|entries, now| match entries.get(log, now) {
                None => Ok(Vec::new()),
                Some(Content::Value(_)) => Err(StorageError::malformed(log, "holds a value and no log")),
                Some(Content::Log(found)) => Ok(found.newest(n)),
            })
        })
    }

    fn connect(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.lock().is_closed = false;
            Ok(())
        })
    }

    fn close(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.lock().is_closed = true;
            Ok(())
        })
    }

    fn ping(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move { self.with(|_, _| Ok(())) })
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
