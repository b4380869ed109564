//! The calls of a storage in memory, each under its lock.
//!
//! The lock is held for a look-up or a write of one key, and for a scan.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    StorageError, StorageErrorKind,
    limits::{check_cap, check_expire, check_key},
    memory::{
        entries::{Content, Entries},
        log::Log,
        settings::MemorySettings,
    },
};

pub(super) struct Locked {
    settings: MemorySettings,
    state: Mutex<State>,
}

struct State {
    entries: Entries,
    is_closed: bool,
}

// === impl Locked ===

impl Locked {
    pub(super) fn new(settings: MemorySettings) -> Self {
        let entries = Entries::new(settings.max_entries, settings.max_bytes);
        Self { settings, state: Mutex::new(State { entries, is_closed: false }) }
    }

    pub(super) fn settings(&self) -> &MemorySettings {
        &self.settings
    }

    pub(super) fn size(&self) -> (u64, u64) {
        self.lock().entries.size(Instant::now())
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        let value: Option<Arc<[u8]>> =
            self.with(|entries, now| entries.get(key, now).map(|content| content.value(key)).transpose())?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(super) fn set(&self, key: &str, value: &[u8], expire: Duration) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        if self.check_size(value).is_err() {
            return Ok(false);
        }
        let content = Content::Value(value.into());
        self.with(|entries, now| Ok(entries.insert(key, content, now + expire)))
    }

    pub(super) fn delete(&self, key: &str) -> Result<bool, StorageError> {
        check_key(key)?;
        self.with(|entries, now| Ok(entries.take(key, now).is_some()))
    }

    pub(super) fn exists(&self, key: &str) -> Result<bool, StorageError> {
        check_key(key)?;
        self.with(|entries, now| Ok(entries.get(key, now).is_some()))
    }

    pub(super) fn scan(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        self.with(|entries, now| Ok(entries.scan(prefix, limit, now)))
    }

    pub(super) fn compare_and_set(
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

    pub(super) fn append(&self, key: &str, entry: &[u8], cap: usize, expire: Duration) -> Result<(), StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        check_cap(cap)?;
        self.check_size(entry)?;
        self.with(|entries, now| {
            let room = entries.room(key);
            if Log::bytes_of(entry) > room {
                return Err(full());
            }
            if let Some(Content::Value(_)) = entries.get(key, now) {
                return Err(no_log(key));
            }
            let mut log = match entries.take(key, now) {
                Some(Content::Log(log)) => log,
                _ => Log::default(),
            };
            log.push(entry, cap, room);
            entries.insert(key, Content::Log(log), now + expire);
            Ok(())
        })
    }

    pub(super) fn read(&self, log: &str, n: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        check_key(log)?;
        self.with(|entries, now| match entries.get(log, now) {
            None => Ok(Vec::new()),
            Some(Content::Value(_)) => Err(no_log(log)),
            Some(Content::Log(found)) => Ok(found.newest(n)),
        })
    }

    pub(super) fn connect(&self) -> Result<(), StorageError> {
        self.lock().is_closed = false;
        Ok(())
    }

    pub(super) fn close(&self) -> Result<(), StorageError> {
        self.lock().is_closed = true;
        Ok(())
    }

    pub(super) fn ping(&self) -> Result<(), StorageError> {
        self.with(|_, _| Ok(()))
    }

    /// Locks the entries, and removes some that have expired.
    fn with<T>(&self, call: impl FnOnce(&mut Entries, Instant) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(StorageError::closed());
        }
        let now = Instant::now();
        state.entries.remove_expired(now);
        call(&mut state.entries, now)
    }

    fn check_size(&self, value: &[u8]) -> Result<(), StorageError> {
        match value.len() as u64 > self.settings.max_value_bytes {
            true => Err(StorageError::too_large(value.len(), self.settings.max_value_bytes)),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn full() -> StorageError {
    StorageError::new(StorageErrorKind::Full, "the entry is larger than max_bytes")
}

#[cold]
fn no_log(key: &str) -> StorageError {
    StorageError::malformed(key, "holds a value and no log")
}
