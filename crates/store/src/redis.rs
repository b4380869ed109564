//! The storage in Redis: shared by all processes that have its URL.
//!
//! Every command and script has one key, so that a Redis Cluster accepts it, and every key that is written has an expiry,
//! which counts on the server's clock. Reads check the length on the server first: a value of 10 MB would delay all
//! answers behind it on the connection.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use mainstay_core::InvalidSetting;
use redis::{Value, cmd};

use crate::{
    RedisUrl, Storage, StorageError, StorageErrorKind, StoreSettings,
    limits::{check_cap, check_expire, check_key},
    storage::StorageFuture,
};

mod attempts;
mod connection;
mod failure;
mod redaction;
mod script;

use attempts::{Attempts, Effect};
use connection::Connection;
pub use script::RedisScript;
use script::Scripts;

/// A storage in Redis, or in a server that speaks its protocol. A clone shares the connection.
///
/// It connects with the first call, and again after a failure. A call that fails because the storage is not available is
/// repeated, as [`StoreSettings`] say.
///
/// ```no_run
/// use mainstay_store::{RedisStorage, Storage, StoreSettings};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = std::env::var("REDIS_URL")?;
/// let storage = RedisStorage::from_config(&StoreSettings { redis_url: Some(url.into()), ..StoreSettings::default() })?;
/// storage.ping().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStorage {
    inner: Arc<Inner>,
    attempts: Attempts,
}

struct Inner {
    url: RedisUrl,
    prefix: String,
    max_value_bytes: u64,
    connection: Connection,
    scripts: Scripts,
}

/// A ping is answered within this time, or else it fails: a server that takes longer is of no use to a request.
const PING: Duration = Duration::from_secs(1);

/// The key that a ping writes, for a millisecond.
const PING_KEY: &str = "__ping__";

/// The number of keys that the server looks at for one step of a scan.
const SCANNED_AT_ONCE: usize = 1_000;

// === impl RedisStorage ===

impl RedisStorage {
    /// Creates a storage. Connects with the first call.
    ///
    /// # Errors
    /// A setting out of its range; no `redis_url`, or one that is none of Redis; a `ca_file` that cannot be read.
    pub fn from_config(settings: &StoreSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        let url = settings.redis_url.clone().unwrap_or_else(|| RedisUrl::new(""));
        let connection = Connection::new(&url, settings)?;
        let inner = Inner {
            url,
            prefix: settings.prefix.clone(),
            max_value_bytes: settings.max_value_bytes,
            connection,
            scripts: Scripts::new(),
        };
        Ok(Self { inner: Arc::new(inner), attempts: Attempts::new(settings) })
    }

    /// Returns a form of this storage that makes each call once. It shares the connection.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), attempts: self.attempts.single() }
    }

    /// Runs a script with one key, which returns a table of integers. The key has the prefix of the settings. The call is
    /// repeated only if the script was certainly not executed.
    ///
    /// # Errors
    /// The storage is not available; the script fails, or returns something else.
    pub async fn run_script(
        &self,
        script: &RedisScript,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<i64>, StorageError> {
        check_key(key)?;
        let mut invocation = script.0.key(self.key(key));
        arguments.iter().for_each(|argument| {
            invocation.arg(*argument);
        });
        let invocation = &invocation;
        self.call(Effect::Once, move |mut connection| async move { invocation.invoke_async(&mut connection).await })
            .await
    }

    async fn call<T, F>(
        &self,
        effect: Effect,
        command: impl Fn(redis::aio::MultiplexedConnection) -> F,
    ) -> Result<T, StorageError>
    where
        F: Future<Output = redis::RedisResult<T>>,
    {
        self.attempts.run(&self.inner.connection, effect, command).await
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.inner.prefix)
    }

    fn is_too_large(&self, value: &[u8]) -> bool {
        value.len() as u64 > self.inner.max_value_bytes
    }

    fn check_size(&self, value: &[u8]) -> Result<(), StorageError> {
        match self.is_too_large(value) {
            true => Err(StorageError::too_large(value.len(), self.inner.max_value_bytes)),
            false => Ok(()),
        }
    }

    async fn get_value(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        let mut get = self.inner.scripts.get.key(self.key(key));
        get.arg(self.inner.max_value_bytes);
        let get = &get;
        let found =
            self.call(Effect::Same, move |mut connection| async move { get.invoke_async(&mut connection).await });
        match found.await? {
            Value::Nil => Ok(None),
            Value::BulkString(value) => Ok(Some(value)),
            // The length of a value that is too long.
            Value::Int(bytes) => {
                let reason = format!("holds {bytes} bytes, and max_value_bytes is {}", self.inner.max_value_bytes);
                Err(StorageError::malformed(key, reason))
            }
            _ => Err(StorageError::malformed(key, "holds no text")),
        }
    }

    async fn set_value(&self, key: &str, value: &[u8], expire: Duration) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        if self.is_too_large(value) {
            return Ok(false);
        }
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(value).arg("PX").arg(millis(expire));
        let set = &set;
        let stored =
            self.call(Effect::Same, move |mut connection| async move { set.exec_async(&mut connection).await });
        match stored.await {
            Err(error) if error.kind() == StorageErrorKind::Full => Ok(false),
            stored => stored.map(|()| true),
        }
    }

    async fn scan_keys(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let pattern = format!("{}*", literal(&self.key(prefix)));
        let pattern = pattern.as_str();
        let scanned = self.call(Effect::Same, move |mut connection| async move {
            let (mut found, mut cursor) = (BTreeSet::new(), 0_u64);
            loop {
                let mut scan = cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(SCANNED_AT_ONCE);
                let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
                found.extend(keys);
                if next == 0 || found.len() >= limit {
                    return Ok(found);
                }
                cursor = next;
            }
        });
        let keys = scanned.await?.into_iter().filter_map(|key| String::from_utf8(key).ok());
        let keys = keys.filter_map(|key| key.strip_prefix(&self.inner.prefix).map(str::to_owned));
        Ok(keys.take(limit).collect())
    }

    /// Writes, because a replica and a server that cannot write to its disk answer PING.
    async fn ping_once(&self) -> Result<(), StorageError> {
        let mut set = cmd("SET");
        set.arg(self.key(PING_KEY)).arg("").arg("PX").arg(1);
        let set = &set;
        let write = |mut connection| async move { set.exec_async(&mut connection).await };
        match self.attempts.single().within(PING).run(&self.inner.connection, Effect::Same, write).await {
            // The server works, and has no room.
            Err(error) if error.kind() == StorageErrorKind::Full => Ok(()),
            answer => answer,
        }
    }
}

impl Storage for RedisStorage {
    fn get<'a>(&'a self, key: &'a str) -> StorageFuture<'a, Option<Vec<u8>>> {
        Box::pin(self.get_value(key))
    }

    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], expire: Duration) -> StorageFuture<'a, bool> {
        Box::pin(self.set_value(key, value, expire))
    }

    fn delete<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            check_key(key)?;
            // UNLINK frees a long value in the background; DEL stops the server meanwhile.
            let (mut unlink, key) = (cmd("UNLINK"), self.key(key));
            unlink.arg(key);
            let unlink = &unlink;
            self.call(Effect::Same, move |mut connection| async move { unlink.query_async(&mut connection).await })
                .await
        })
    }

    fn exists<'a>(&'a self, key: &'a str) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            check_key(key)?;
            let (mut exists, key) = (cmd("EXISTS"), self.key(key));
            exists.arg(key);
            let exists = &exists;
            self.call(Effect::Same, move |mut connection| async move { exists.query_async(&mut connection).await })
                .await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str, limit: usize) -> StorageFuture<'a, Vec<String>> {
        Box::pin(self.scan_keys(prefix, limit))
    }

    fn compare_and_set<'a>(
        &'a self,
        key: &'a str,
        expected: Option<&'a [u8]>,
        value: &'a [u8],
        expire: Duration,
    ) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            check_key(key)?;
            check_expire(expire)?;
            self.check_size(value)?;
            let mut set = self.inner.scripts.compare_and_set.key(self.key(key));
            set.arg(value).arg(millis(expire));
            if let Some(expected) = expected {
                set.arg(expected);
            }
            let set = &set;
            self.call(Effect::Once, move |mut connection| async move { set.invoke_async(&mut connection).await }).await
        })
    }

    fn append<'a>(&'a self, log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> StorageFuture<'a, ()> {
        Box::pin(async move {
            check_key(log)?;
            check_expire(expire)?;
            check_cap(cap)?;
            self.check_size(entry)?;
            let mut append = self.inner.scripts.append.key(self.key(log));
            append.arg(entry).arg(cap).arg(millis(expire));
            let append = &append;
            self.call(Effect::Once, move |mut connection| async move { append.invoke_async(&mut connection).await })
                .await
        })
    }

    fn read<'a>(&'a self, log: &'a str, n: usize) -> StorageFuture<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            check_key(log)?;
            if n == 0 {
                return Ok(Vec::new());
            }
            let mut read = self.inner.scripts.read.key(self.key(log));
            read.arg(n).arg(self.inner.max_value_bytes);
            let read = &read;
            self.call(Effect::Same, move |mut connection| async move { read.invoke_async(&mut connection).await }).await
        })
    }

    fn connect(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.inner.connection.open();
            self.call(Effect::Same, |_| async { Ok(()) }).await
        })
    }

    fn close(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.inner.connection.close();
            Ok(())
        })
    }

    fn ping(&self) -> StorageFuture<'_, ()> {
        Box::pin(self.ping_once())
    }

    fn single_attempt(&self) -> Option<Arc<dyn Storage>> {
        Some(Arc::new(self.without_retries()))
    }
}

impl fmt::Debug for RedisStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { url, prefix, .. } = &*self.inner;
        f.debug_struct("RedisStorage").field("url", url).field("prefix", prefix).finish_non_exhaustive()
    }
}

/// Returns the milliseconds of an expiry, rounded up.
fn millis(expire: Duration) -> u64 {
    u64::try_from(expire.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns a pattern of SCAN that matches this text and no other.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
