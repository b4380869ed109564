//! One breaker per key: host, shard, tenant. Bounded, so that keys from outside cannot fill the memory.
//!
//! Finding a breaker is one lock-free look-up. A full store evicts a breaker for each new key: first a closed one that has
//! nothing to remember, or nothing that is not old, then a half-open one, then a closed one. An open one would forget an
//! outage, and one that is in use would lose the outcome of its calls. Only while every breaker is open or in use do new
//! keys share one.
//!
//! A call that finds a breaker holds it, and then looks whether it is being evicted. The evicting thread marks the
//! breaker, and then looks whether it is held. With a fence between the two steps of each, at least one sees the other.

use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
};

use mainstay_core::{Bounded, Evict, InvalidSetting, LogLimit, Name, NotInserted, escaped};

use crate::{Breaker, BreakerSnapshot, counters::BreakerCounters};

mod settings;

pub use settings::KeyedBreakerSettings;

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
    /// Locked during a change of the settings, which may log.
    reconfiguring: Mutex<()>,
    overflow: Breaker,
    /// Of the lines of all breakers.
    log_limit: Arc<LogLimit>,
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
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self::build(name, settings))
    }

    fn build(name: Name, settings: KeyedBreakerSettings) -> Self {
        let log_limit = Arc::default();
        let overflow = build(&name, &"(other)", &settings, &log_limit);
        let breakers = Bounded::new(settings.capacity as usize);
        Self(Arc::new(Inner {
            name,
            breakers,
            settings: Mutex::new(settings),
            reconfiguring: Mutex::new(()),
            overflow,
            log_limit,
        }))
    }

    /// Returns the breaker of this key: a new one if there is none, the shared one if there is no room. The key is not
    /// evicted while a handle of its breaker or one of its permits is kept.
    #[must_use]
    pub fn get(&self, key: &K) -> Breaker {
        self.hold(key, Breaker::clone)
    }

    /// Returns what `take` takes from the breaker of this key: a handle, or a permit, which holds the breaker.
    pub(crate) fn hold<T>(&self, key: &K, take: impl Fn(&Breaker) -> T) -> T {
        let inner = &*self.0;
        loop {
            let held = inner.breakers.get(key, |breaker| {
                let held = take(breaker);
                fence(SeqCst);
                (!breaker.0.is_retired.load(Relaxed)).then_some(held)
            });
            if let Some(Some(held)) = held {
                return held;
            }
            // There is none, or it is being evicted: waits for the end of the eviction.
            if let Some(held) = self.insert(key, &take) {
                return held;
            }
        }
    }

    /// Adds the breaker of a new key. Returns `None` if the key is present by now.
    #[cold]
    fn insert<T>(&self, key: &K, take: impl Fn(&Breaker) -> T) -> Option<T> {
        let inner = &*self.0;
        let settings = inner.settings();
        let new = |key: &K| {
            let breaker = build(&inner.name, key, &settings, &inner.log_limit);
            let held = take(&breaker);
            (breaker, held)
        };
        let inserted = inner.breakers.insert_with(key.clone(), new, |_| {});
        // Taking a permit may log a change of state.
        drop(settings);
        match inserted {
            Ok(held) => Some(held),
            Err(NotInserted::Present) => None,
            Err(NotInserted::Full) => Some(take(&inner.overflow)),
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
        let inner = &*self.0;
        let _one_at_a_time = inner.reconfiguring.lock().unwrap_or_else(PoisonError::into_inner);
        // The shared breaker is as old as the store: it refuses every change that the other breakers would refuse.
        inner.overflow.reconfigure(settings.breaker.clone()).map_err(|error| error.within("breaker"))?;
        inner.breakers.set_capacity(settings.capacity as usize);
        let breaker_settings = settings.breaker.clone();
        *inner.settings() = settings;
        let mut breakers = Vec::new();
        inner.breakers.for_each(|_, breaker| breakers.push(breaker.clone()));
        for breaker in breakers {
            // A program has given this breaker settings of its own.
            if let Err(error) = breaker.reconfigure(breaker_settings.clone()) {
                tracing::warn!(breaker = %breaker.name(), error = %escaped(&error), "breaker not reconfigured: it has its own settings");
            }
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
        self.0.breakers.for_each(|_, breaker| breaker.reset_in_store(&author));
        self.0.overflow.reset_in_store(&author);
        tracing::info!(store = %self.0.name, %author, "circuits reset");
    }
}

fn build(name: &Name, key: &dyn fmt::Display, settings: &KeyedBreakerSettings, log_limit: &Arc<LogLimit>) -> Breaker {
    let name = format!("{name}/{key}").into();
    Breaker::in_store(name, settings.breaker.clone(), BreakerCounters::shared(), log_limit.clone())
}

impl<K> Inner<K> {
    fn settings(&self) -> MutexGuard<'_, KeyedBreakerSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evict for Breaker {
    const VISITS: usize = 64;

    fn eviction_rank(&self) -> Option<u8> {
        if self.0.is_shared() { None } else { self.0.eviction_rank() }
    }

    fn retire(&self, rank: u8) -> bool {
        self.0.is_retired.store(true, Relaxed);
        fence(SeqCst);
        // A call may have come and gone since the rank was read.
        let retires = self.eviction_rank() == Some(rank);
        if !retires {
            self.0.is_retired.store(false, Relaxed);
        }
        retires
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
