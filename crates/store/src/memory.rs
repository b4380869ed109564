//! The storage in memory: for one process, and for tests.
//!
//! Every call ends at once, without a wait.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::InvalidSetting;

use crate::{Storage, storage::StorageFuture};

mod entries;
mod locked;
mod log;
mod settings;

use locked::Locked;
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
pub struct MemoryStorage(Arc<Locked>);

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
        Self(Arc::new(Locked::new(settings)))
    }

    /// Returns the number of keys and their bytes, without those that have expired.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        self.0.size()
    }
}

/// The calls of the storage, which end at once.
macro_rules! at_once {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method<'a>(&'a self, $($argument: $type),*) -> StorageFuture<'a, $answer> {
            Box::pin(async move { self.0.$method($($argument),*) })
        })*
    };
}

impl Storage for MemoryStorage {
    at_once! {
        get(key: &'a str) -> Option<Vec<u8>>;
        set(key: &'a str, value: &'a [u8], expire: Duration) -> bool;
        delete(key: &'a str) -> bool;
        exists(key: &'a str) -> bool;
        scan(prefix: &'a str, limit: usize) -> Vec<String>;
        compare_and_set(key: &'a str, expected: Option<&'a [u8]>, value: &'a [u8], expire: Duration) -> bool;
        append(log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> ();
        read(log: &'a str, n: usize) -> Vec<Vec<u8>>;
        connect() -> ();
        close() -> ();
        ping() -> ();
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").field("settings", self.0.settings()).finish_non_exhaustive()
    }
}
