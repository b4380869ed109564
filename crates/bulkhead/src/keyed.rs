//! One limit per key: host, tenant, shard. Bounded, so that keys from outside cannot fill the memory.
//!
//! Limits are not handed out: one that a caller keeps could not be evicted, or would be a second limit for its key after
//! it was.

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

use mainstay_core::{Events, InvalidSetting, Name, Rejected};
use tokio::time::Instant;

use crate::{LimitEvent, LimitSettings, LimitSnapshot, Permit, waiter::Admission};

pub use settings::KeyedBulkheadSettings;
pub use snapshot::KeyedSnapshot;
use store::Store;

mod run;
mod settings;
mod snapshot;
mod store;

/// Limits by key: each key has its own limit of concurrent calls, whatever the others do. Clones share them.
///
/// One limit over many hosts or tenants is used up by the slowest of them. With a limit per key the others are not
/// affected. The key is anything that is `Hash + Eq + Clone + Display`. It becomes part of the names in snapshots, logs
/// and refusals (`name/key`), so use a tenant's number and not its password.
///
/// **Bounded.** At most [`capacity`](KeyedBulkheadSettings::capacity) keys are kept. A new key evicts idle ones, least
/// recently used first. A key with a call in flight or in the queue is never evicted, because its next call would get a
/// fresh limit in addition to the one in use: no key is ever above its limit. While all kept keys are busy, calls with
/// new keys are refused with [`Reason::BulkheadFull`](mainstay_core::Reason::BulkheadFull) under the name of the
/// collection, and counted in [`no_room`](KeyedSnapshot::no_room). (Rejected: one limit that all new keys share, because
/// under overload tenants would affect each other through it.)
///
/// ```
/// use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let tenants = KeyedLimits::<String>::new("tenants", 2)?;
/// let busy = [tenants.try_acquire("red"), tenants.try_acquire("red")];
/// assert!(tenants.try_acquire("red").is_err());
/// // Other keys are not affected.
/// assert!(tenants.try_acquire("blue").is_ok());
///
/// // One tenant gets a larger limit. The settings of the others change under load.
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
    /// Limits of `limit` concurrent calls for each key, 1 to a million, without a queue. Each is named `name/key`.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        let limit = LimitSettings { limit, ..LimitSettings::default() };
        Self::with_settings(name, KeyedBulkheadSettings { limit, ..KeyedBulkheadSettings::default() })
    }

    /// Limits with these settings. Each is named `name/key`.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: KeyedBulkheadSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self(Arc::new(Store::new(name, settings))))
    }

    /// Takes a permit of the key, if one is free and no call waits for it. For a key that is kept it does not allocate,
    /// lock, wait or read the clock.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`](mainstay_core::Reason::BulkheadFull).
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.acquire(key, Permit::try_acquire)
    }

    /// Takes a permit of the key: at once if one is free, otherwise in order of arrival, if the key's queue has room.
    /// Dropping the future gives its place to the next call.
    ///
    /// # Errors
    /// [`Reason::BulkheadFull`](mainstay_core::Reason::BulkheadFull) at once,
    /// [`Reason::QueueTimeout`](mainstay_core::Reason::QueueTimeout) after `max_wait`.
    pub async fn acquire<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.acquire_by(key, None).await
    }

    /// Does the same as [`acquire`](Self::acquire), for a caller with a deadline.
    ///
    /// # Errors
    /// The same, and [`Reason::DeadlineExceeded`](mainstay_core::Reason::DeadlineExceeded).
    pub async fn acquire_by<Q>(&self, key: &Q, deadline: impl Into<Option<Instant>>) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.admit(key)?.permit(deadline.into()).await
    }

    /// Takes a permit of the key, or a place in its queue.
    pub(crate) fn admit<Q>(&self, key: &Q) -> Result<Admission, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.acquire(key, Admission::acquire)
    }

    /// Sets a limit for one key, 1 to a million; see [`set`](Self::set).
    ///
    /// # Errors
    /// A limit out of its range, or too many keys with settings of their own.
    pub fn resize<Q>(&self, key: &Q, limit: u32) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.set(key, |own| own.limit = limit)
    }

    /// Sets the settings of one key, live, whether it is in use or not. They survive the eviction of the key, until
    /// [`unset`](Self::unset). At most [`capacity`](KeyedBulkheadSettings::capacity) keys can have settings of their own.
    ///
    /// # Errors
    /// A setting out of its range, or too many keys with settings of their own; nothing changes then.
    pub fn set<Q>(&self, key: &Q, settings: LimitSettings) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.set(key, |own| *own = settings)
    }

    /// Returns one key to the common settings. Returns whether it had settings of its own.
    pub fn unset<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.unset(key)
    }

    /// Sets new common settings, live, for all keys without settings of their own. Idle keys above a smaller capacity are
    /// evicted at once; busy ones stay.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedBulkheadSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.reconfigure(settings);
        Ok(())
    }

    /// Returns the common settings.
    #[must_use]
    pub fn settings(&self) -> KeyedBulkheadSettings {
        self.0.settings()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Subscribes to the events of all limits, those of keys to come included: each refused call, and each call that reaches the
    /// execution timeout. A call without room for its key has the name of the collection.
    #[must_use]
    pub fn events(&self) -> Events<LimitEvent> {
        self.0.shared.events.subscribe()
    }

    /// Returns the number of keys that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.limits.len()
    }

    /// Returns whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.limits.is_empty()
    }

    /// Returns the keys that are kept, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.0.keys()
    }

    /// Returns the current figures of one key, if it is kept.
    #[must_use]
    pub fn snapshot_of<Q>(&self, key: &Q) -> Option<LimitSnapshot>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.snapshot_of(key)
    }

    /// Returns the current figures of all keys. Calls of new keys wait meanwhile; calls of kept keys do not.
    #[must_use]
    pub fn snapshot(&self) -> KeyedSnapshot {
        self.0.snapshot()
    }
}

impl<K> KeyedLimits<K> {
    pub(crate) fn as_name(&self) -> &Name {
        &self.0.name
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
