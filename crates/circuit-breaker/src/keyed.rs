//! One breaker per key: host, shard, tenant. Bounded, so that keys from outside cannot fill the memory.
//!
//! Finding a breaker is one lock-free look-up. The map is read often and written rarely, so a new key pays for room: a
//! full map evicts a sixteenth of its breakers at once, least recently used first. Only closed breakers with clean
//! windows are evicted (evicting an open one would forget an outage), or, if there are none, half-open ones without a
//! trial call. If no breaker can be evicted, new keys share one.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mainstay_core::{InvalidSetting, Name, settings};
use portable_atomic::{AtomicU64, Ordering::Relaxed};

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
    breakers: papaya::HashMap<K, Entry>,
    /// Locked for a new key and by operators; never for a key that is in the map.
    settings: Mutex<KeyedBreakerSettings>,
    /// The number of new keys so far: the clock for "recently used".
    tick: AtomicU64,
    overflow: Breaker,
}

struct Entry {
    breaker: Breaker,
    used: AtomicU64,
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
        let overflow = make(&name, &"(other)", &settings);
        Self(Arc::new(Inner {
            name,
            breakers: papaya::HashMap::new(),
            settings: Mutex::new(settings),
            tick: AtomicU64::new(0),
            overflow,
        }))
    }

    /// Returns the breaker of this key: a new one if there is none, the shared one if there is no room.
    #[must_use]
    pub fn get(&self, key: &K) -> Breaker {
        let inner = &*self.0;
        let now = inner.tick.load(Relaxed);
        let breakers = inner.breakers.pin();
        if let Some(entry) = breakers.get(key) {
            if entry.used.load(Relaxed) != now {
                entry.used.store(now, Relaxed);
            }
            return entry.breaker.clone();
        }
        let settings = inner.settings();
        let capacity = settings.capacity as usize;
        if breakers.len() >= capacity && !breakers.contains_key(key) && !inner.make_room(capacity) {
            return inner.overflow.clone();
        }
        let used = AtomicU64::new(inner.tick.fetch_add(1, Relaxed) + 1);
        let make = || Entry { breaker: make(&inner.name, key, &settings), used };
        breakers.get_or_insert_with(key.clone(), make).breaker.clone()
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> KeyedBreakerSettings {
        self.0.settings().clone()
    }

    /// Replaces the settings of all present and future breakers. States, counts and timers stay. The kind and size of the
    /// window cannot change. A smaller capacity evicts breakers as new keys come, and only clean ones.
    ///
    /// # Errors
    /// A setting out of its range, or another window; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedBreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let mut current = self.0.settings();
        // The shared breaker is as old as the store: it refuses every change that the other breakers would refuse.
        self.0.overflow.reconfigure(settings.breaker.clone()).map_err(|error| error.within("breaker"))?;
        let breakers = self.0.breakers.pin();
        let refused = breakers.values().filter_map(|entry| {
            let refused = entry.breaker.reconfigure(settings.breaker.clone());
            refused.err().map(|error| (entry.breaker.name(), error))
        });
        let refused: Vec<_> = refused.collect();
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
        let breakers = self.0.breakers.pin();
        breakers.values().map(|entry| &entry.breaker).chain([&self.0.overflow]).map(Breaker::snapshot).collect()
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
        let breakers = self.0.breakers.pin();
        breakers.values().for_each(|entry| entry.breaker.reset(&author));
        self.0.overflow.reset(author);
    }
}

fn make(name: &Name, key: &dyn fmt::Display, settings: &KeyedBreakerSettings) -> Breaker {
    Breaker::build(format!("{name}/{key}").into(), settings.breaker.clone(), BreakerCounters::shared())
}

impl<K: Hash + Eq + Clone> Inner<K> {
    fn settings(&self) -> MutexGuard<'_, KeyedBreakerSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evicts the least recently used clean breakers, or else unused half-open ones: hosts that are gone must not fill the
    /// store forever. Returns whether there is room now.
    fn make_room(&self, capacity: usize) -> bool {
        self.evict(capacity, Breaker::is_clean) || self.evict(capacity, Breaker::is_unused)
    }

    fn evict(&self, capacity: usize, evictable: fn(&Breaker) -> bool) -> bool {
        let breakers = self.breakers.pin();
        let idle = breakers.iter().filter(|(_, entry)| evictable(&entry.breaker));
        let mut idle: Vec<_> = idle.map(|(key, entry)| (entry.used.load(Relaxed), key)).collect();
        // More than one after the capacity was made smaller.
        let excess = (breakers.len() + 1).saturating_sub(capacity);
        let some = (capacity / 16).max(excess).min(idle.len());
        if some > 0 {
            idle.select_nth_unstable_by_key(some - 1, |(used, _)| *used);
        }
        idle[..some].iter().for_each(|(_, key)| {
            breakers.remove(*key);
        });
        some >= excess
    }
}

impl Breaker {
    /// Returns whether nothing is lost with this breaker: closed, in the normal mode, without a failure in its window.
    fn is_clean(&self) -> bool {
        let rules = &self.0.rules;
        self.mode() == Mode::Normal
            && self.state() == State::Closed
            && (rules.consecutive_failures(), rules.tallies().0.hits, self.0.lock().openings) == (0, 0, 0)
    }

    /// Returns whether it is half-open, in the normal mode, and without a trial call in flight.
    fn is_unused(&self) -> bool {
        self.mode() == Mode::Normal && self.state() == State::HalfOpen && self.0.lock().recovery.trials.in_flight() == 0
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
