//! One breaker per key: host, shard, tenant. Bounded, so that keys from outside cannot fill the memory.
//!
//! Finding a breaker is one lock-free look-up. A full store evicts closed breakers with clean windows first (evicting an
//! open one would forget an outage), then half-open ones without a trial call: hosts that are gone must not fill the
//! store forever. If no breaker can be evicted, new keys share one.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mainstay_core::{Bounded, Evict, InvalidSetting, Name, NotInserted, settings};

use crate::{Breaker, BreakerSettings, BreakerSnapshot, Mode, State, counters::BreakerCounters};

/// Breakers by key, all with the same settings.
///
/// A single breaker over many shards opens for all of them when one is down: a 10 % breaker over ten shards leaves 3 %
/// available where 90 % could be. With a breaker per key the other shards stay available.
///
/// ```
/// use mainstay_circuit_breaker::KeyedBreakers;
///
/// let breakers = KeyedBreakers::new("shards");
/// assert_eq!(breakers.get(&7).name(), "shards/7");
///
/// // Changes the settings of all of them, under load.
/// let mut settings = breakers.settings();
/// settings.breaker.failure_rate = Some(0.2);
/// breakers.reconfigure(settings)?;
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
pub struct KeyedBreakers<K>(Arc<Inner<K>>);

struct Inner<K> {
    name: Name,
    breakers: Bounded<K, Breaker>,
    /// Locked for a new key and by operators; never for a key that is in the store.
    settings: Mutex<KeyedBreakerSettings>,
    overflow: Breaker,
}

/// Settings of [`KeyedBreakers`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct KeyedBreakerSettings {
    /// The settings of each breaker.
    pub breaker: BreakerSettings,
    /// The maximum number of breakers, 1 to ten million. Default 1,024.
    pub capacity: u32,
}

// === impl KeyedBreakers ===

impl<K: Hash + Eq + Clone + fmt::Display> KeyedBreakers<K> {
    /// Creates breakers with the default settings. Each is named `name/key`.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), KeyedBreakerSettings::default())
    }

    /// Creates breakers with these settings. Each is named `name/key`.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: KeyedBreakerSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(name.into(), settings))
    }

    fn build(name: Name, settings: KeyedBreakerSettings) -> Self {
        let overflow = build(&name, &"(other)", &settings);
        let breakers = Bounded::new(settings.capacity as usize);
        Self(Arc::new(Inner { name, breakers, settings: Mutex::new(settings), overflow }))
    }

    /// Returns the breaker of this key: a new one if there is none, the shared one if there is no room.
    #[must_use]
    pub fn get(&self, key: &K) -> Breaker {
        let inner = &*self.0;
        if let Some(breaker) = inner.breakers.get(key, Breaker::clone) {
            return breaker;
        }
        let settings = inner.settings();
        let new = |key: &K| {
            let breaker = build(&inner.name, key, &settings);
            (breaker.clone(), breaker)
        };
        match inner.breakers.insert_with(key.clone(), new, |_| {}) {
            Ok(breaker) => breaker,
            Err(NotInserted::Present) => {
                inner.breakers.get(key, Breaker::clone).unwrap_or_else(|| inner.overflow.clone())
            }
            Err(NotInserted::Full) => inner.overflow.clone(),
        }
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> KeyedBreakerSettings {
        self.0.settings().clone()
    }

    /// Replaces the settings of all present and future breakers. States, counts and timers stay. The kind and size of the
    /// window cannot change. A smaller capacity takes effect as new keys come.
    ///
    /// # Errors
    /// A setting out of its range, or another window; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedBreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let mut current = self.0.settings();
        // The shared breaker is as old as the store: it refuses every change that the other breakers would refuse.
        self.0.overflow.reconfigure(settings.breaker.clone()).map_err(|error| error.within("breaker"))?;
        let mut refused = Vec::new();
        self.0.breakers.for_each(|_, breaker| {
            let result = breaker.reconfigure(settings.breaker.clone());
            refused.extend(result.err().map(|error| (breaker.name().clone(), error)));
        });
        self.0.breakers.set_capacity(settings.capacity as usize);
        *current = settings;
        drop(current);
        // A program has given these breakers settings of their own.
        for (breaker, error) in refused {
            tracing::warn!(breaker = %breaker.escape_debug(), %error, "keeps its own settings");
        }
        Ok(())
    }

    /// Returns a snapshot of each breaker, and of the shared one.
    #[must_use]
    pub fn snapshots(&self) -> Vec<BreakerSnapshot> {
        let mut snapshots = Vec::new();
        self.0.breakers.for_each(|_, breaker| snapshots.push(breaker.snapshot()));
        snapshots.push(self.0.overflow.snapshot());
        snapshots
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

    /// Resets every breaker.
    pub fn reset_all(&self, author: impl Into<Name>) {
        let author = author.into();
        self.0.breakers.for_each(|_, breaker| breaker.reset(&author));
        self.0.overflow.reset(author);
    }
}

fn build(name: &Name, key: &dyn fmt::Display, settings: &KeyedBreakerSettings) -> Breaker {
    Breaker::build(format!("{name}/{key}").into(), settings.breaker.clone(), BreakerCounters::shared())
}

impl<K> Inner<K> {
    fn settings(&self) -> MutexGuard<'_, KeyedBreakerSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evict for Breaker {
    /// Closed breakers without a failure in their windows go first: nothing is lost with them. Half-open breakers without
    /// a trial call in flight go next.
    fn eviction_rank(&self) -> Option<u8> {
        let machine = &*self.0;
        match (self.mode(), self.state()) {
            (Mode::Normal, State::Closed) => {
                let (failures, _slow) = machine.rules.tallies();
                let clean = (machine.rules.consecutive_failures(), failures.hits, machine.lock().openings) == (0, 0, 0);
                clean.then_some(0)
            }
            (Mode::Normal, State::HalfOpen) => (machine.lock().recovery.trials.in_flight() == 0).then_some(1),
            _ => None,
        }
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

// === impl KeyedBreakerSettings ===

impl KeyedBreakerSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("capacity", self.capacity.into(), 1..=10_000_000)?;
        self.breaker.validate().map_err(|error| error.within("breaker"))
    }
}

impl Default for KeyedBreakerSettings {
    fn default() -> Self {
        Self { breaker: BreakerSettings::default(), capacity: 1_024 }
    }
}
