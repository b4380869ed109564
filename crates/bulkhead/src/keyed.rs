//! One limit per key: host, tenant, shard. Bounded, so that keys from outside can't fill the memory.
//!
//! A call finds the limit of its key by one lock-free look-up; only a new key takes a lock. Limits are not handed out:
//! one that its holder keeps could not be forgotten, or would be a second one for its key after it was.

use std::{borrow::Borrow, fmt, future::Future, hash::Hash, sync::Arc};

use mainstay_core::{BoxError, InvalidSetting, Name, Reason, Rejected};
use tokio::time::Instant;

use crate::{LimitSettings, Permit, limit::Entered};

pub(crate) use room::Room;
pub use settings::KeyedSettings;
pub use snapshot::KeyedSnapshot;
use store::Store;

mod operate;
mod room;
mod settings;
mod snapshot;
mod store;

/// Limits by key: each key may have so many calls at once, whatever the others do. Clones share them.
///
/// One limit over many hosts or tenants is used up by the slowest of them; with a limit per key the others do not
/// notice. The key is anything that is `Hash + Eq + Clone + Display`; it is part of the names in snapshots, logs and
/// refusals (`name/key`), so take a tenant's number and not its password.
///
/// **Bounded.** At most [`capacity`](KeyedSettings::capacity) keys are kept. A new one takes the place of idle ones,
/// least recently used first. A key with a call in flight or in the queue is never forgotten, since its next call would
/// get a fresh limit beside the one in use: no key is ever above its limit. So while all keys that are kept are busy,
/// calls with new keys are refused, with [`Reason::BulkheadFull`] under the name of
/// the whole, and counted in [`no_room`](KeyedSnapshot::no_room). (One limit that all of them share was rejected:
/// it would let tenants disturb each other just when it matters.)
///
/// ```
/// use mainstay_bulkhead::{KeyedLimits, KeyedSettings};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let tenants = KeyedLimits::<String>::new("tenants", 2)?;
/// let busy = [tenants.try_acquire("red"), tenants.try_acquire("red")];
/// assert!(tenants.try_acquire("red").is_err());
/// // Nobody else notices.
/// assert!(tenants.try_acquire("blue").is_ok());
///
/// // This one pays for more; for the others, the settings change under load.
/// tenants.resize("red", 10)?;
/// assert!(tenants.try_acquire("red").is_ok());
/// let mut settings = tenants.settings();
/// settings.limit.limit = 4;
/// tenants.reconfigure(settings)?;
/// assert_eq!(tenants.snapshot_of("blue").map(|blue| blue.limit), Some(4));
/// assert_eq!(tenants.snapshot_of("red").map(|red| red.limit), Some(10));
/// # drop(busy); Ok(()) }
/// ```
pub struct KeyedLimits<K>(Arc<Store<K>>);

// === impl KeyedLimits ===

impl<K: Hash + Eq + Clone + fmt::Display> KeyedLimits<K> {
    /// So many calls of each key at once, 1 to a million, and no queue. The limit of each is named `name/key`.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        let limit = LimitSettings { limit, ..LimitSettings::default() };
        Self::with_settings(name, KeyedSettings { limit, ..KeyedSettings::default() })
    }

    /// Limits with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: KeyedSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self(Arc::new(Store::new(name.into(), settings))))
    }

    /// A permit of this key, if one is free and nobody waits for it. For a key that is kept it does not allocate, lock,
    /// wait or read the clock.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`].
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.0.enter(key, false) {
            Entered::Permit(permit) => Ok(permit),
            Entered::Refused(rejected) => Err(rejected),
            // Who does not wait is not queued.
            Entered::Queued(turn) => Err(turn.limit().reject(Reason::BulkheadFull)),
        }
    }

    /// A permit of this key: at once if one is free, else in order of arrival, if the key's queue has room. Dropping the
    /// future gives the place to the next.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`] at once,
    /// [`Reason::QueueTimeout`] after the time to wait.
    pub async fn acquire<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.acquire_by(key, None).await
    }

    /// The same, for a caller with a deadline.
    ///
    /// # Errors
    /// The same, and [`Reason::DeadlineExceeded`].
    pub async fn acquire_by<Q>(&self, key: &Q, deadline: impl Into<Option<Instant>>) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.enter(key).permit(deadline.into()).await
    }

    /// Runs the work with a permit of this key, queueing for it as [`acquire`](Self::acquire) does, and not longer than
    /// the execution timeout.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run<Q, T, E>(&self, key: &Q, work: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        E: Into<BoxError>,
    {
        self.acquire(key).await?.run(work).await
    }

    pub(crate) fn enter<Q>(&self, key: &Q) -> Entered
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.enter(key, true)
    }
}

impl<K> Clone for KeyedLimits<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> fmt::Debug for KeyedLimits<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimits").field("name", &self.0.name).finish_non_exhaustive()
    }
}
