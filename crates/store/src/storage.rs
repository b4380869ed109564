//! The interface of a storage: what the memory and Redis implement.
//!
//! The futures are boxed, so that a storage is injected as `Arc<dyn Storage>`. A call of a storage crosses a network or
//! takes a lock; the box costs little beside either.

use std::{pin::Pin, sync::Arc, time::Duration};

use crate::StorageError;

/// The future of a call of a [`Storage`].
pub type StorageFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// Values and logs by key, each with an expiry.
///
/// Applications use a [`Store`](crate::Store), which reads and writes any type of serde over a storage. Implement this
/// trait for another database.
///
/// * A key has 1 to 1,024 bytes. It holds a value or a log; a value that is written replaces either.
/// * Each write sets the time after which the key is removed, from a millisecond to a year. Nothing is kept for ever.
/// * Every call ends within the time that the storage allows. Dropping the future gives up the answer, and not the write.
pub trait Storage: Send + Sync + 'static {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// The storage is not available, or the key holds a log or a value that is longer than the storage reads.
    fn get<'a>(&'a self, key: &'a str) -> StorageFuture<'a, Option<Vec<u8>>>;

    /// Writes a value that expires after this time. Returns whether it was stored: false if the storage has no room, or the
    /// value is longer than the storage keeps.
    ///
    /// # Errors
    /// The storage is not available, or the key or the expiry is out of its range.
    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], expire: Duration) -> StorageFuture<'a, bool>;

    /// Removes a key. Returns whether it was present.
    ///
    /// # Errors
    /// The storage is not available.
    fn delete<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool>;

    /// Returns whether a key is present.
    ///
    /// # Errors
    /// The storage is not available.
    fn exists<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool>;

    /// Returns up to `limit` keys that start with the prefix, sorted. Keys that are written or removed meanwhile may be in
    /// it or not. It reads all keys of the storage, so it is for operators and for a start, not for requests.
    ///
    /// # Errors
    /// The storage is not available.
    fn scan<'a>(&'a self, prefix: &'a str, limit: usize) -> StorageFuture<'a, Vec<String>>;

    /// Writes a value if the current one equals `expected`; with `None`, if the key is absent. Returns whether it was
    /// written.
    ///
    /// # Errors
    /// As for [`set`](Self::set); the storage has no room; the key holds a log. After a timeout the value may have been
    /// written.
    fn compare_and_set<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        expire: Duration,
    ) -> StorageFuture<'a, bool>;

    /// Appends an entry to a log, of which the newest `cap` entries are kept. The whole log expires after this time
    /// without an append.
    ///
    /// # Errors
    /// As for [`compare_and_set`](Self::compare_and_set), and if the key holds a value.
    fn append<'a>(&'a self, log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> StorageFuture<'a, ()>;

    /// Returns the newest `n` entries of a log, the oldest of them first. Entries that are longer than the storage reads
    /// are left out.
    ///
    /// # Errors
    /// The storage is not available, or the key holds a value.
    fn read<'a>(&'a self, log: &'a str, n: usize) -> StorageFuture<'a, Vec<Vec<u8>>>;

    /// Connects, and opens a storage that was closed. Calls connect by themselves: this is to know at the start whether
    /// the storage is available.
    ///
    /// # Errors
    /// The storage is not available.
    fn connect(&self) -> StorageFuture<'_, ()>;

    /// Closes the connection. Later calls fail with [`Closed`](crate::StorageErrorKind::Closed).
    ///
    /// # Errors
    /// None of the storages in this crate returns one.
    fn close(&self) -> StorageFuture<'_, ()>;

    /// Checks that the storage answers and takes writes, within a second.
    ///
    /// # Errors
    /// The storage is not available.
    fn ping(&self) -> StorageFuture<'_, ()>;

    /// Returns a form of the same storage that makes each call once, for paths on which no time is left to repeat it.
    /// The default, `None`, is for a storage that never repeats a call.
    fn single_attempt(&self) -> Option<Arc<dyn Storage>> {
        None
    }
}
