//! The handle of applications: values of any type of serde, over a storage.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::InvalidSetting;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    MemoryStorage, Storage, StorageError, StoreSettings,
    json::{read_json, to_json},
    limits::check_key,
};

/// Values of any type of serde by key, as JSON, in a storage that the settings choose. A clone is cheap and shares it.
///
/// Pass it to the constructor of what needs it. Parts of a program use one storage without a clash of names through
/// [`with_prefix`](Self::with_prefix).
///
/// ```
/// use std::time::Duration;
/// use mainstay_store::{StorageError, Store};
///
/// struct Greeter {
///     storage: Store,
/// }
///
/// impl Greeter {
///     async fn greet(&self, name: &str) -> Result<String, StorageError> {
///         let visits = self.storage.get::<u32>(name).await?.unwrap_or(0) + 1;
///         self.storage.set(name, &visits, Duration::from_secs(3600)).await?;
///         Ok(format!("hello {name}, visit {visits}"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StorageError> {
/// let greeter = Greeter { storage: Store::memory().with_prefix("user:") };
/// assert_eq!(greeter.greet("ada").await?, "hello ada, visit 1");
/// assert_eq!(greeter.greet("ada").await?, "hello ada, visit 2");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Store {
    storage: Arc<dyn Storage>,
    prefix: Arc<str>,
}

// === impl Store ===

impl Store {
    /// Creates a store in memory with the default settings.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Arc::new(MemoryStorage::new()))
    }

    /// Creates a store over a storage, without a prefix.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, prefix: "".into() }
    }

    /// Creates the store that the settings choose: Redis if they have a `redis_url`, or else memory. Connects with the
    /// first call.
    ///
    /// # Errors
    /// A setting out of its range; a URL that is none of Redis; a `redis_url` without the feature `redis`.
    pub fn from_config(settings: &StoreSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::new(storage(settings)?))
    }

    /// Returns a store over the same storage whose keys start with this prefix too, such as `"user:"`, `"cache:"` or
    /// `"resilience:"`.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        let prefix = format!("{}{prefix}", self.prefix).into();
        Self { storage: Arc::clone(&self.storage), prefix }
    }

    /// Returns the storage, without the prefix.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Returns the prefix of all keys.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the value of a key, or `None` if it is absent or has expired.
    ///
    /// # Errors
    /// The storage is not available; the key holds something that is not of this type, such as data of another version.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StorageError> {
        let key = self.key(key)?;
        let Some(json) = self.storage.get(&key).await? else { return Ok(None) };
        Ok(Some(read_json(&key, &json)?))
    }

    /// Writes a value that expires after this time, from a millisecond to a year. Returns whether it was stored: false if
    /// the storage has no room, or the value is longer than it keeps.
    ///
    /// # Errors
    /// The storage is not available; the key or the expiry is out of its range; the value has no form in JSON.
    pub async fn set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        expire: Duration,
    ) -> Result<bool, StorageError> {
        let (key, json) = (self.key(key)?, to_json(value)?);
        self.storage.set(&key, &json, expire).await
    }

    /// Removes a key. Returns whether it was present.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn delete(&self, key: &str) -> Result<bool, StorageError> {
        let key = self.key(key)?;
        self.storage.delete(&key).await
    }

    /// Returns whether a key is present.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn exists(&self, key: &str) -> Result<bool, StorageError> {
        let key = self.key(key)?;
        self.storage.exists(&key).await
    }

    /// Returns up to `limit` keys that start with `start`, sorted and without the prefix of this store. It reads all keys
    /// of the storage: for operators, and for the start of a program.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn scan(&self, start: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let keys = self.storage.scan(&format!("{}{start}", self.prefix), limit).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&*self.prefix)).map(str::to_owned).collect())
    }

    /// Writes a value if the current one equals `expected`; with `None`, if the key is absent. Returns whether it was
    /// written. Values are compared as JSON, so use a type with one form for each value: no `HashMap`.
    ///
    /// # Errors
    /// As for [`set`](Self::set); the storage has no room. After a timeout the value may have been written.
    pub async fn compare_and_set<T: Serialize + ?Sized>(
        &self,
        key: &str,
        expected: Option<&T>,
        value: &T,
        expire: Duration,
    ) -> Result<bool, StorageError> {
        let expected = expected.map(to_json).transpose()?;
        let (key, json) = (self.key(key)?, to_json(value)?);
        self.storage.compare_and_set(&key, expected.as_deref(), &json, expire).await
    }

    /// Appends an entry to a log, of which the newest `cap` entries are kept. The whole log expires after this time
    /// without an append.
    ///
    /// # Errors
    /// As for [`set`](Self::set); the storage has no room; the key holds a value.
    pub async fn append<T: Serialize + ?Sized>(
        &self,
        log: &str,
        entry: &T,
        cap: usize,
        expire: Duration,
    ) -> Result<(), StorageError> {
        let (log, json) = (self.key(log)?, to_json(entry)?);
        self.storage.append(&log, &json, cap, expire).await
    }

    /// Returns the newest `n` entries of a log, the oldest of them first. Entries that are not of this type are left out.
    ///
    /// # Errors
    /// The storage is not available; the key holds a value.
    pub async fn read<T: DeserializeOwned>(&self, log: &str, n: usize) -> Result<Vec<T>, StorageError> {
        let log = self.key(log)?;
        let entries = self.storage.read(&log, n).await?;
        Ok(entries.iter().filter_map(|json| serde_json::from_slice(json).ok()).collect())
    }

    /// Connects. Calls connect by themselves: this is to know at the start whether the storage is available.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn connect(&self) -> Result<(), StorageError> {
        self.storage.connect().await
    }

    /// Closes the connection, for all stores over this storage. Later calls fail until [`connect`](Self::connect).
    ///
    /// # Errors
    /// None of the storages in this crate returns one.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.storage.close().await
    }

    /// Checks that the storage answers and takes writes, within a second. Fits a health check.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.storage.ping().await
    }

    /// Returns the key with the prefix.
    fn key(&self, key: &str) -> Result<String, StorageError> {
        check_key(key)?;
        let key = format!("{}{key}", self.prefix);
        check_key(&key)?;
        Ok(key)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn storage(settings: &StoreSettings) -> Result<Arc<dyn Storage>, InvalidSetting> {
    match &settings.redis_url {
        None => Ok(Arc::new(MemoryStorage::with_settings(settings.memory())?)),
        #[cfg(feature = "redis")]
        Some(_) => Ok(Arc::new(crate::RedisStorage::from_config(settings)?)),
        #[cfg(not(feature = "redis"))]
        Some(url) => {
            let allowed = "must be absent, because the feature `redis` is not compiled in";
            Err(InvalidSetting::new("redis_url", url, allowed))
        }
    }
}
