//! A store of keys and values with an expiry: in the memory of one process, or in Redis, shared by several.
//!
//! [`Store`] reads and writes any type of serde. Pass it to the constructor of what needs it; the settings choose where the
//! values are:
//!
//! ```
//! use std::time::Duration;
//! use mainstay_store::{Store, StoreSettings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In memory; with a `redis_url`, in Redis.
//! let storage = Store::from_config(&StoreSettings::default())?.with_prefix("user:");
//!
//! let stored = storage.set("ada", &vec!["admin", "author"], Duration::from_secs(300)).await?;
//! assert!(stored);
//! assert_eq!(storage.get::<Vec<String>>("ada").await?.unwrap(), ["admin", "author"]);
//! assert_eq!(storage.get::<Vec<String>>("bob").await?, None);
//! # Ok(()) }
//! ```
//!
//! # What a store does
//!
//! * Every write has an expiry, so that a store does not grow without an end. In Redis it counts on the server's clock.
//! * [`compare_and_set`](Store::compare_and_set) writes only over the value that the caller has read;
//!   [`append`](Store::append) and [`read`](Store::read) are a bounded log.
//! * [`MemoryStorage`] is bounded in its number of keys and in bytes. `RedisStorage` (feature `redis`) connects with the
//!   first call, repeats a call after an outage, and replaces a connection that does not answer or leads to a replica.
//! * A value that is too long, of another type or of another version is an error of its key, and no outage.
//!
//! # On the path of a request
//!
//! A call in the background has 5 s and three repetitions. [`RequestPath`] is the form for a request: 50 ms, one attempt,
//! and no attempt at all while the storage counts as lost. The caller decides on its own then: a local limit, a cached
//! answer. Such a store is never needed to answer a request. [`WriteBehind`] takes writes that nothing waits for, and makes
//! the newest of each key when the store is back.
//!
//! # Features
//!
//! * `redis`: the storage in Redis, with TLS by rustls and `ring`; keyed hashes as keys.
//! * `serde`: settings and snapshots implement serde's traits; durations read as `"250ms"`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod json;
#[cfg(feature = "redis")]
mod key_hash;
mod limits;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod request_path;
mod settings;
mod storage;
mod store;
mod url;
mod write_behind;

pub use error::{StorageError, StorageErrorKind};
#[cfg(feature = "redis")]
pub use key_hash::KeyHash;
pub use memory::{MemorySettings, MemoryStorage};
#[cfg(feature = "redis")]
pub use redis::{RedisScript, RedisStorage};
pub use request_path::{RequestPath, RequestPathSettings, RequestPathSnapshot};
pub use settings::StoreSettings;
pub use storage::{Storage, StorageFuture};
pub use store::Store;
pub use url::RedisUrl;
pub use write_behind::{WriteBehind, WriteBehindSettings, WriteBehindSnapshot};
