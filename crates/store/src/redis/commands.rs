//! The commands of the storage, each with one key.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mainstay_core::InvalidSetting;
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation, Value, aio::MultiplexedConnection, cmd};

use super::{
    attempts::{Attempts, Effect},
    connection::Connection,
    script::Scripts,
};
use crate::{
    RedisUrl, StorageError, StorageErrorKind, StoreSettings,
    limits::{check_cap, check_expire, check_key},
};

#[derive(Clone)]
pub(super) struct Commands {
    shared: Arc<Shared>,
    attempts: Attempts,
}

struct Shared {
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

// === impl Commands ===

impl Commands {
    pub(super) fn new(url: &RedisUrl, settings: &StoreSettings) -> Result<Self, InvalidSetting> {
        let shared = Shared {
            prefix: settings.prefix.clone(),
            max_value_bytes: settings.max_value_bytes,
            connection: Connection::new(url, settings)?,
            scripts: Scripts::new(),
        };
        Ok(Self { shared: Arc::new(shared), attempts: Attempts::new(settings) })
    }

    /// Returns the commands without repetition, over the same connection.
    pub(super) fn single(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), attempts: self.attempts.single() }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.shared.connection
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check_key(key)?;
        let mut get = self.shared.scripts.get.key(self.key(key));
        get.arg(self.shared.max_value_bytes);
        match self.script(Effect::Same, &get).await? {
            Value::Nil => Ok(None),
            Value::BulkString(value) => Ok(Some(value)),
            // The length of a value that is too long.
            Value::Int(bytes) => {
                let reason = format!("holds {bytes} bytes, and max_value_bytes is {}", self.shared.max_value_bytes);
                Err(StorageError::malformed(key, reason))
            }
            _ => Err(StorageError::malformed(key, "holds no text")),
        }
    }

    pub(super) async fn set(&self, key: &str, value: &[u8], expire: Duration) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        if self.check_size(value).is_err() {
            return Ok(false);
        }
        let mut set = cmd("SET");
        set.arg(self.key(key)).arg(value).arg("PX").arg(millis(expire));
        match self.command::<()>(&set).await {
            Err(error) if error.kind() == StorageErrorKind::Full => Ok(false),
            stored => stored.map(|()| true),
        }
    }

    /// Removes a key by UNLINK, which frees a long value in the background; DEL stops the server meanwhile.
    pub(super) async fn delete(&self, key: &str) -> Result<bool, StorageError> {
        check_key(key)?;
        self.command(cmd("UNLINK").arg(self.key(key))).await
    }

    pub(super) async fn exists(&self, key: &str) -> Result<bool, StorageError> {
        check_key(key)?;
        self.command(cmd("EXISTS").arg(self.key(key))).await
    }

    pub(super) async fn scan(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let pattern = format!("{}*", literal(&self.key(prefix)));
        let scanned = self.call(Effect::Same, |connection| scan_all(connection, &pattern, limit)).await?;
        let keys = scanned.iter().filter_map(|key| key.strip_prefix(&self.shared.prefix).map(str::to_owned));
        Ok(keys.take(limit).collect())
    }

    pub(super) async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        expire: Duration,
    ) -> Result<bool, StorageError> {
        check_key(key)?;
        check_expire(expire)?;
        self.check_size(value)?;
        let mut set = self.shared.scripts.compare_and_set.key(self.key(key));
        set.arg(value).arg(millis(expire));
        if let Some(expected) = expected {
            set.arg(expected);
        }
        self.script(Effect::Once, &set).await
    }

    pub(super) async fn append(
        &self,
        log: &str,
        entry: &[u8],
        cap: usize,
        expire: Duration,
    ) -> Result<(), StorageError> {
        check_key(log)?;
        check_expire(expire)?;
        check_cap(cap)?;
        self.check_size(entry)?;
        let mut append = self.shared.scripts.append.key(self.key(log));
        append.arg(entry).arg(cap).arg(millis(expire));
        self.script(Effect::Once, &append).await
    }

    pub(super) async fn read(&self, log: &str, n: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        check_key(log)?;
        if n == 0 {
            return Ok(Vec::new());
        }
        let mut read = self.shared.scripts.read.key(self.key(log));
        read.arg(n).arg(self.shared.max_value_bytes);
        self.script(Effect::Same, &read).await
    }

    pub(super) async fn connect(&self) -> Result<(), StorageError> {
        self.shared.connection.open();
        self.call(Effect::Same, |_| async { Ok(()) }).await
    }

    /// Writes, because a replica and a server that cannot write to its disk answer PING.
    pub(super) async fn ping(&self) -> Result<(), StorageError> {
        let attempts = self.attempts.single().within(PING);
        let mut set = cmd("SET");
        set.arg(self.key(PING_KEY)).arg("").arg("PX").arg(1);
        match (Self { attempts, ..self.clone() }).command(&set).await {
            // The server works, and has no room.
            Err(error) if error.kind() == StorageErrorKind::Full => Ok(()),
            answer => answer,
        }
    }

    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{key}", self.shared.prefix)
    }

    fn check_size(&self, value: &[u8]) -> Result<(), StorageError> {
        match value.len() as u64 > self.shared.max_value_bytes {
            true => Err(StorageError::too_large(value.len(), self.shared.max_value_bytes)),
            false => Ok(()),
        }
    }

    /// Runs a command that has the same effect if it is executed twice.
    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StorageError> {
        self.call(Effect::Same, |mut connection| async move { command.query_async(&mut connection).await }).await
    }

    pub(super) async fn script<T: FromRedisValue>(
        &self,
        effect: Effect,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StorageError> {
        self.call(effect, |mut connection| async move { script.invoke_async(&mut connection).await }).await
    }

    async fn call<T, F>(&self, effect: Effect, command: impl Fn(MultiplexedConnection) -> F) -> Result<T, StorageError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        self.attempts.run(&self.shared.connection, effect, command).await
    }
}

async fn scan_all(mut connection: MultiplexedConnection, pattern: &str, limit: usize) -> RedisResult<BTreeSet<String>> {
    let (mut found, mut cursor) = (BTreeSet::new(), 0_u64);
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(SCANNED_AT_ONCE);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
        found.extend(keys.into_iter().filter_map(|key| String::from_utf8(key).ok()));
        if next == 0 || found.len() >= limit {
            return Ok(found);
        }
        cursor = next;
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
