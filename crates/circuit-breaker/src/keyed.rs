//! One breaker per key: host, shard, tenant. Bounded, so that keys from outside cannot fill the memory.

use std::{fmt, hash::Hash, sync::Arc};

use mainstay_core::{Events, InvalidSetting, Name, StatusReceiver};

use crate::{Breaker, BreakerEvent, BreakerSettings, BreakerSnapshot};

mod own_settings;
mod run;
mod settings;
mod snapshot;
mod store;

pub use settings::KeyedBreakerSettings;
pub use snapshot::KeyedBreakerSnapshot;
use store::Store;

/// Breakers by key. They have common settings, and single keys may have settings of their own.
///
/// A single breaker over many shards opens for all of them when one is down: a 10 % breaker over ten shards leaves 3 %
/// available where 90 % could be. With a breaker per key the other shards stay available.
///
/// **Bounded.** At most [`capacity`](KeyedBreakerSettings::capacity) breakers are kept. A new key evicts the breaker of
/// another one: first one that has nothing to remember. A breaker that is open or in use is never evicted; while all are,
/// new keys share one breaker, `name/(other)`.
///
/// ```
/// use mainstay_circuit_breaker::{BreakerSettings, KeyedBreakers};
///
/// let breakers = KeyedBreakers::new("shards");
/// assert_eq!(breakers.get(&7).name(), "shards/7");
///
/// // Changes the settings of all of them, under load, and those of one.
/// let mut settings = breakers.settings();
/// settings.breaker.failure_rate = Some(0.2);
/// breakers.reconfigure(settings)?;
/// breakers.set(&7, BreakerSettings { consecutive_failures: Some(50), ..BreakerSettings::default() })?;
/// assert_eq!(breakers.get(&7).settings().consecutive_failures, Some(50));
/// assert_eq!(breakers.get(&8).settings().failure_rate, Some(0.2));
///
/// breakers.get(&8).trip("maintenance");
/// assert_eq!(breakers.snapshot().open, 1);
/// assert_eq!(breakers.subscribe().get().reason, "1 breaker is not closed");
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
pub struct KeyedBreakers<K>(Arc<Store<K>>);

// === impl KeyedBreakers ===

impl<K: Hash + Eq + Clone + fmt::Display> KeyedBreakers<K> {
    /// Creates breakers with the default settings. Each is named `name/key`.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self(Arc::new(Store::new(name.into(), KeyedBreakerSettings::default())))
    }

    /// Creates breakers with these settings. Each is named `name/key`.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: KeyedBreakerSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self(Arc::new(Store::new(name, settings))))
    }

    /// Returns the breaker of this key: a new one if there is none, the shared one if there is no room. The key is not
    /// evicted while a handle of its breaker or one of its permits is kept.
    #[must_use]
    pub fn get(&self, key: &K) -> Breaker {
        self.hold(key, Breaker::clone)
    }

    /// Returns what `take` takes from the breaker of this key: a handle, or a permit, which holds the breaker.
    pub(crate) fn hold<T>(&self, key: &K, take: impl Fn(&Breaker) -> T) -> T {
        self.0.hold(key, take)
    }

    /// Sets the settings of one key, live, whether it is in use or not. They survive the eviction of the key, until
    /// [`unset`](Self::unset). At most [`capacity`](KeyedBreakerSettings::capacity) keys can have settings of their own.
    /// The window is that of the common settings.
    ///
    /// # Errors
    /// A setting out of its range, another window, or too many keys with settings of their own; nothing changes then.
    pub fn set(&self, key: &K, settings: BreakerSettings) -> Result<(), InvalidSetting> {
        self.0.set(key, settings)
    }

    /// Returns one key to the common settings. Returns whether it had settings of its own.
    pub fn unset(&self, key: &K) -> bool {
        self.0.unset(key)
    }

    /// Replaces the settings of all present and future breakers without settings of their own. States, counts and timers
    /// stay. The kind and size of the window cannot change. A smaller capacity takes effect as new keys come.
    ///
    /// # Errors
    /// A setting out of its range, or another window; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedBreakerSettings) -> Result<(), InvalidSetting> {
        self.0.reconfigure(settings)
    }

    /// Subscribes to the events of all breakers, those of keys to come included.
    #[must_use]
    pub fn events(&self) -> Events<BreakerEvent> {
        self.0.in_store.events.subscribe()
    }

    /// Returns the common settings.
    #[must_use]
    pub fn settings(&self) -> KeyedBreakerSettings {
        self.0.common_settings()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Returns the number of breakers, without the shared one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.breakers.len()
    }

    /// Returns whether there are no breakers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the keys that are kept, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.0.keys()
    }

    /// Returns the state and the counts of one key, if it is kept. Unlike [`get`](Self::get) it makes no breaker.
    #[must_use]
    pub fn snapshot_of(&self, key: &K) -> Option<BreakerSnapshot> {
        self.0.find(key).map(|breaker| breaker.snapshot())
    }

    /// Returns a snapshot of each breaker, and the sums over them and over those that were evicted.
    #[must_use]
    pub fn snapshot(&self) -> KeyedBreakerSnapshot {
        self.0.snapshot()
    }

    /// Returns a snapshot of each breaker, and of the shared one.
    #[must_use]
    pub fn snapshots(&self) -> Vec<BreakerSnapshot> {
        self.0.handles().iter().map(Breaker::snapshot).collect()
    }

    /// Subscribes to the status of the whole: degraded while a breaker is not closed. It is never unhealthy, because the
    /// other keys work.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.subscribe()
    }

    /// Resets every breaker.
    pub fn reset_all(&self, author: impl Into<Name>) {
        let author = author.into();
        self.0.handles().iter().for_each(|breaker| breaker.reset_in_store(&author));
        tracing::info!(store = %self.0.name, %author, "circuits reset");
    }
}

impl<K> KeyedBreakers<K> {
    pub(crate) fn as_name(&self) -> &Name {
        &self.0.name
    }
}

impl<K> Clone for KeyedBreakers<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> fmt::Debug for KeyedBreakers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreakers").field("name", &self.0.name).finish_non_exhaustive()
    }
}
