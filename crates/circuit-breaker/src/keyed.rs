//! One breaker per key: host, shard, tenant. Bounded, so that keys from outside can't fill the memory.
//!
//! Finding a breaker is one lock-free look-up. The map is read often and written rarely, so a new key pays for
//! room: when full, a sixteenth of the breakers goes at once, least recently used first, and only closed ones with
//! clean windows (evicting an open one would forget an outage), or else half-open ones that nobody asks. If none can
//! go, new keys share one breaker.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mainstay_core::{Counters, InvalidSetting, Name, settings};
use portable_atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Breaker, BreakerSettings, BreakerSnapshot, Mode, State};

/// Breakers by key, with the same settings each.
///
/// One breaker over many shards trips for all when one is down (a 10 % breaker over ten shards: 3 % available, where
/// 90 % could be); with a breaker per key the others go on.
///
/// ```
/// use mainstay_circuit_breaker::KeyedBreakers;
///
/// let breakers = KeyedBreakers::new("shards");
/// assert_eq!(breakers.get(&7).name(), "shards/7");
///
/// // Live, for all of them.
/// let mut settings = breakers.settings();
/// settings.breaker.failure_rate = Some(0.2);
/// breakers.reconfigure(settings)?;
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
pub struct KeyedBreakers<K>(Arc<Inner<K>>);

struct Inner<K> {
    name: Name,
    breakers: papaya::HashMap<K, Entry>,
    /// Taken for a new key and by operators; never for a key that is kept.
    settings: Mutex<KeyedBreakerSettings>,
    /// Grows with every new key: the clock of "recently used".
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
    /// Of each breaker.
    pub breaker: BreakerSettings,
    /// How many breakers are kept at most: 1 to ten million. Default 1,024.
    pub capacity: u32,
}

// === impl KeyedBreakers ===

impl<K: Hash + Eq + Clone + fmt::Display> KeyedBreakers<K> {
    /// Breakers with the default settings; each is named `name/key`.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), KeyedBreakerSettings::default())
    }

    /// Breakers with these settings; each is named `name/key`.
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

    /// The breaker of this key; a new one if there is none; the shared one if there is no room.
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

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> KeyedBreakerSettings {
        self.0.settings().clone()
    }

    /// Takes other settings for all breakers, those to come too, and keeps their states, windows and timers. The window
    /// itself is fixed. Breakers above a smaller capacity go as new keys come, and only clean ones.
    ///
    /// # Errors
    /// A setting out of its range, or another window; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedBreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let mut current = self.0.settings();
        // It is as old as the store, and says no to what the others could not take either.
        self.0.overflow.reconfigure(settings.breaker.clone()).map_err(|error| error.within("breaker"))?;
        let breakers = self.0.breakers.pin();
        let refused = breakers.values().filter_map(|entry| {
            let refused = entry.breaker.reconfigure(settings.breaker.clone());
            refused.err().map(|error| (entry.breaker.name(), error))
        });
        let refused: Vec<_> = refused.collect();
        *current = settings;
        drop(current);
        // Somebody has given these settings of their own.
        for (breaker, error) in refused {
            tracing::warn!(breaker = %breaker.escape_debug(), %error, "keeps its own settings");
        }
        Ok(())
    }

    /// One look at each breaker that is kept, and at the shared one.
    #[must_use]
    pub fn snapshots(&self) -> Vec<BreakerSnapshot> {
        let breakers = self.0.breakers.pin();
        breakers.values().map(|entry| &entry.breaker).chain([&self.0.overflow]).map(Breaker::snapshot).collect()
    }

    /// How many breakers are kept, the shared one apart.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.breakers.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Resets each.
    pub fn reset_all(&self, author: impl Into<Name>) {
        let author = author.into();
        let breakers = self.0.breakers.pin();
        breakers.values().for_each(|entry| entry.breaker.reset(&author));
        self.0.overflow.reset(author);
    }
}

fn make(name: &Name, key: &dyn fmt::Display, settings: &KeyedBreakerSettings) -> Breaker {
    Breaker::build(format!("{name}/{key}").into(), settings.breaker.clone(), Counters::shared())
}

impl<K: Hash + Eq + Clone> Inner<K> {
    fn settings(&self) -> MutexGuard<'_, KeyedBreakerSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room after the least recently used clean breakers are gone; or else those that nobody asks,
    /// though they would admit a trial call: hosts that died long ago must not fill the store for ever.
    fn make_room(&self, capacity: usize) -> bool {
        self.forget(capacity, Breaker::is_clean) || self.forget(capacity, Breaker::is_left_alone)
    }

    fn forget(&self, capacity: usize, may_go: fn(&Breaker) -> bool) -> bool {
        let breakers = self.breakers.pin();
        let idle = breakers.iter().filter(|(_, entry)| may_go(&entry.breaker));
        let mut idle: Vec<_> = idle.map(|(key, entry)| (entry.used.load(Relaxed), key)).collect();
        // More than one are too many after the capacity was made smaller.
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
    /// Closed, in the normal mode, and without a failure in its window: nothing is lost with it.
    fn is_clean(&self) -> bool {
        let engine = self.engine();
        self.mode() == Mode::Normal
            && self.state() == State::Closed
            && (engine.rules.row(), engine.rules.tallies().0.hits, engine.lock().openings) == (0, 0, 0)
    }

    /// Half-open, in the normal mode, and without a trial call.
    fn is_left_alone(&self) -> bool {
        self.mode() == Mode::Normal && self.state() == State::HalfOpen && self.engine().lock().trials.in_flight() == 0
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
