//! The storage in Redis: shared by all processes that have its URL.
//!
//! Every command and script has one key, so that a Redis Cluster accepts it, and every key that is written has an expiry,
//! which counts on the server's clock. Reads check the length on the server first: a value of 10 MB would delay all
//! answers behind it on the connection.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::InvalidSetting;

use crate::{RedisUrl, Storage, StorageError, StoreSettings, limits::check_key, storage::StorageFuture};

mod attempts;
mod commands;
mod connection;
mod failure;
mod redaction;
mod script;

use attempts::Effect;
use commands::Commands;
pub use script::RedisScript;

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
    commands: Commands,
    url: RedisUrl,
}

// === impl RedisStorage ===

impl RedisStorage {
    /// Creates a storage. Connects with the first call.
    ///
    /// # Errors
    /// A setting out of its range; no `redis_url`, or one that is none of Redis; a `ca_file` that cannot be read.
    pub fn from_config(settings: &StoreSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        let url = settings.redis_url.clone().unwrap_or_else(|| RedisUrl::new(""));
        Ok(Self { commands: Commands::new(&url, settings)?, url })
    }

    /// Returns a form of this storage that makes each call once. It shares the connection.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { commands: self.commands.single(), url: self.url.clone() }
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
        let mut invocation = script.0.key(self.commands.key(key));
        for argument in arguments {
            invocation.arg(*argument);
        }
        self.commands.script(Effect::Once, &invocation).await
    }
}

/// The calls of the storage, each by the command of its name.
macro_rules! by_command {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method<'a>(&'a self, $($argument: $type),*) -> StorageFuture<'a, $answer> {
            Box::pin(self.commands.$method($($argument),*))
        })*
    };
}

impl Storage for RedisStorage {
    by_command! {
        get(key: &'a str) -> Option<Vec<u8>>;
        set(key: &'a str, value: &'a [u8], expire: Duration) -> bool;
        delete(key: &'a str) -> bool;
        exists(key: &'a str) -> bool;
        scan(prefix: &'a str, limit: usize) -> Vec<String>;
        compare_and_set(key: &'a str, expected: Option<&'a [u8]>, value: &'a [u8], expire: Duration) -> bool;
        append(log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> ();
        read(log: &'a str, n: usize) -> Vec<Vec<u8>>;
        connect() -> ();
        ping() -> ();
    }

    fn close(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.commands.connection().close();
            Ok(())
        })
    }

    fn single_attempt(&self) -> Option<Arc<dyn Storage>> {
        Some(Arc::new(self.without_retries()))
    }
}

impl fmt::Debug for RedisStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorage").field("url", &self.url).finish_non_exhaustive()
    }
}
