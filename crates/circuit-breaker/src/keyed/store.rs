//! The breakers by key, their settings, and the eviction of breakers that are not in use.
//!
//! Finding a breaker is one lock-free look-up. A full store evicts a breaker for each new key: first a closed one that has
//! nothing to remember, or nothing that is not old, then a half-open one, then a closed one. An open one would forget an
//! outage, and one that is in use would lose the outcome of its calls. Only while every breaker is open or in use do new
//! keys share one.
//!
//! A call that finds a breaker holds it, and then looks whether it is being evicted. The evicting thread marks the
//! breaker, and then looks whether it is held. With a fence between the two steps of each, at least one sees the other.
//!
//! No lock is held while a breaker changes its state, is read or is reconfigured, nor while a key is formatted: these run
//! code of the program, which may call this store.

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

use mainstay_core::{Bounded, Evict, InvalidSetting, Level, Name, NotInserted, Status, StatusReceiver, StatusSender};

use super::{KeyedBreakerSettings, KeyedBreakerSnapshot, own_settings::Settings};
use crate::{Breaker, BreakerSettings, counters::BreakerCounters, in_store::InStore};

pub(super) struct Store<K> {
    pub(super) name: Name,
    pub(super) breakers: Bounded<K, Breaker>,
    /// Locked for a new key and by operators; never for a key that is in the store.
    settings: Mutex<Settings<K>>,
    overflow: Breaker,
    pub(super) in_store: Arc<InStore>,
}

// === impl Store ===

impl<K: Hash + Eq + Clone + fmt::Display> Store<K> {
    pub(super) fn new(name: Name, settings: KeyedBreakerSettings) -> Self {
        let in_store = Arc::new(InStore::keyed());
        Self {
            overflow: build(format!("{name}/(other)").into(), settings.breaker.clone(), &in_store),
            name,
            breakers: Bounded::new(settings.capacity as usize),
            settings: Mutex::new(Settings::new(settings)),
            in_store,
        }
    }

    fn settings(&self) -> MutexGuard<'_, Settings<K>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn common_settings(&self) -> KeyedBreakerSettings {
        self.settings().common.clone()
    }

    /// Returns what `take` takes from the breaker of this key: a handle, or a permit, which holds the breaker.
    pub(super) fn hold<T>(&self, key: &K, take: impl Fn(&Breaker) -> T) -> T {
        loop {
            let held = self.breakers.get(key, |breaker| {
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
        let name: Name = format!("{}/{key}", self.name).into();
        let (first, settings, generation) = self.settings().of_new(key);
        // The new breaker is closed, and neither changes its state nor refuses: none of this runs code of the program.
        let new = |_: &K| {
            let is_current = first == settings;
            let breaker = build(name, first, &self.in_store);
            if !is_current {
                // Checked before it was stored.
                let _ = breaker.reconfigure(settings);
            }
            let held = take(&breaker);
            (breaker, held)
        };
        let mut is_news = false;
        let evicted = |Breaker(machine): &Breaker| {
            is_news |= self.in_store.collect(machine.word.load().level(), &machine.counters.read());
        };
        let inserted = self.breakers.insert_with(key.clone(), new, evicted);
        if is_news {
            self.in_store.publish();
        }
        match inserted {
            Ok(held) => {
                // A change of the settings that came before the breaker was in the store has missed it.
                if self.settings().generation != generation {
                    self.apply_settings();
                }
                Some(held)
            }
            Err(NotInserted::Present) => None,
            Err(NotInserted::Full) => Some(take(&self.overflow)),
        }
    }

    pub(super) fn set(&self, key: &K, own: BreakerSettings) -> Result<(), InvalidSetting> {
        self.overflow.check(&own)?;
        self.settings().set(key, own)?;
        self.apply_settings();
        Ok(())
    }

    pub(super) fn unset(&self, key: &K) -> bool {
        let had = self.settings().unset(key);
        if had {
            self.apply_settings();
        }
        had
    }

    pub(super) fn reconfigure(&self, settings: KeyedBreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        // All breakers are made with the windows of the shared one: they accept what it accepts.
        self.overflow.check(&settings.breaker).map_err(|error| error.within("breaker"))?;
        let mut locked = self.settings();
        self.breakers.set_capacity(settings.capacity as usize);
        locked.set_common(settings);
        drop(locked);
        self.apply_settings();
        Ok(())
    }

    /// Sets the settings of each breaker, without a lock. Begins again if they have changed meanwhile: another thread may
    /// then have set older ones after newer ones.
    fn apply_settings(&self) {
        loop {
            let settings = self.settings();
            let generation = settings.generation;
            let mut wanted = vec![(self.overflow.clone(), settings.common.breaker.clone())];
            self.breakers.frozen(|| {
                self.breakers.for_each(|key, breaker| wanted.push((breaker.clone(), settings.of(key).clone())));
            });
            drop(settings);
            for (breaker, settings) in wanted {
                if breaker.settings() != settings {
                    // Checked before it was stored.
                    let _ = breaker.reconfigure(settings);
                }
            }
            if self.settings().generation == generation {
                return;
            }
        }
    }

    pub(super) fn keys(&self) -> Vec<K> {
        let mut keys = Vec::new();
        self.breakers.for_each(|key, _| keys.push(key.clone()));
        keys
    }

    /// Returns the breaker of a key that is kept.
    pub(super) fn find(&self, key: &K) -> Option<Breaker> {
        self.breakers.frozen(|| self.breakers.peek(key, Breaker::clone))
    }

    /// Returns all breakers, the shared one last. A breaker is not evicted while one of these handles is kept.
    pub(super) fn handles(&self) -> Vec<Breaker> {
        let mut handles = Vec::new();
        self.breakers.frozen(|| self.breakers.for_each(|_, breaker| handles.push(breaker.clone())));
        handles.push(self.overflow.clone());
        handles
    }

    pub(super) fn snapshot(&self) -> KeyedBreakerSnapshot {
        let capacity = self.settings().common.capacity;
        let (mut handles, mut evicted) = (Vec::new(), Default::default());
        // At one time, so that a breaker that is evicted is in one of the two.
        self.breakers.frozen(|| {
            evicted = self.in_store.evicted();
            self.breakers.for_each(|_, breaker| handles.push(breaker.clone()));
        });
        let breakers = handles.iter().map(Breaker::snapshot).collect();
        KeyedBreakerSnapshot::new(self.name.clone(), capacity, evicted, self.overflow.snapshot(), breakers)
    }

    pub(super) fn subscribe(&self) -> StatusReceiver {
        // A store always has a status.
        let closed = || StatusSender::new(Status::new(Level::Unknown, "")).subscribe();
        self.in_store.subscribe().unwrap_or_else(closed)
    }
}

fn build(name: Name, settings: BreakerSettings, in_store: &Arc<InStore>) -> Breaker {
    Breaker::in_store(name, settings, BreakerCounters::shared(), in_store.clone())
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
