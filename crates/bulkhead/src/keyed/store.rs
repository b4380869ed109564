//! The limits by key, their settings, and the eviction of idle keys.
//!
//! A key with outstanding permits or with waiting calls must not be evicted: its next call would get a second limit, and
//! the two together would admit too many. Therefore a limit is *retired* before it is removed: one
//! compare-and-swap on the word that counts both, which succeeds only if the counts are zero. A call that meets a retired
//! limit looks its key up again. That costs kept keys nothing, because a retired limit seems full.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{Ordering::SeqCst, fence},
    },
};

use mainstay_core::{Bounded, Counters, Evict, InvalidSetting, Name, NotInserted, Reason, Rejected, Shared};
use portable_atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    settings::{KeyedBulkheadSettings, Settings},
    snapshot::KeyedSnapshot,
};
use crate::{
    LimitEvent, LimitSettings, LimitSnapshot, Rejections, in_store::InStore, inner::Inner, lending::Membership,
};

pub(super) struct Store<K> {
    pub(super) name: Name,
    pub(super) limits: Bounded<K, KeyedLimit>,
    /// Locked for a new key, by operators and by snapshots; never for a key that is kept.
    state: Mutex<State<K>>,
    pub(super) shared: Arc<InStore>,
    no_room: AtomicU64,
}

pub(super) struct KeyedLimit(Shared<Inner>);

struct State<K> {
    settings: Settings<K>,
    /// The number of evicted limits.
    evicted: u64,
    /// The number of changes of the settings.
    generation: u64,
}

// === impl Store ===

impl<K: Hash + Eq + Clone + fmt::Display> Store<K> {
    pub(super) fn new(name: Name, common: KeyedBulkheadSettings) -> Self {
        let settings = Settings::new(common);
        Self {
            name,
            limits: Bounded::new(common.capacity as usize),
            state: Mutex::new(State { settings, evicted: 0, generation: 0 }),
            shared: Arc::default(),
            no_room: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires from the limit of the key, which it makes if there is none. `acquire` returns `None` from a full limit.
    pub(super) fn acquire<Q, T, F>(&self, key: &Q, acquire: F) -> Result<T, Rejected>
    where
        F: Fn(&Shared<Inner>) -> Option<T> + Copy,
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        loop {
            let acquired = self.limits.get(key, |KeyedLimit(limit)| match acquire(limit) {
                None if limit.slots.is_retired() => None,
                acquired => Some(acquired.ok_or_else(|| limit.reject(Reason::BulkheadFull))),
            });
            match acquired {
                Some(Some(acquired)) => return acquired,
                None if self.shared.idle_search.found_none() => return Err(self.refuse()),
                _ => {}
            }
            if let Some(acquired) = self.insert(key.to_owned(), acquire) {
                return acquired;
            }
        }
    }

    /// Adds a new key, and acquires from its limit before another call can. Returns `None` if the key is there by now.
    #[cold]
    fn insert<T>(&self, key: K, acquire: impl Fn(&Shared<Inner>) -> Option<T>) -> Option<Result<T, Rejected>> {
        // Before the lock: the key's `Display` is code of the program, which may call this store.
        let name: Name = format!("{}/{key}", self.name).into();
        let mut state = self.state();
        let State { settings, evicted, .. } = &mut *state;
        if self.limits.is_full() {
            self.shared.idle_search.begin_search();
        }
        let make = |key: &K| {
            let (membership, store) = (Membership::default(), self.shared.clone());
            let limit = Shared::new(Inner::new(name, &settings.of(key), membership, Counters::shared(), Some(store)));
            // A new limit has a free permit.
            let acquired = acquire(&limit);
            (KeyedLimit(limit), acquired)
        };
        match self.limits.insert_with(key, make, |limit| limit.collect(evicted)) {
            Ok(acquired) => acquired.map(Ok),
            Err(NotInserted::Present) => None,
            Err(NotInserted::Full) => {
                self.shared.idle_search.end_search();
                drop(state);
                Some(Err(self.refuse()))
            }
        }
    }

    #[cold]
    fn refuse(&self) -> Rejected {
        if self.no_room.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(bulkhead = %self.name, "all keys are busy: calls with new keys are refused");
        }
        self.shared.events.send(&self.name, || LimitEvent::of(Reason::BulkheadFull));
        Rejected::new(Reason::BulkheadFull, self.name.clone())
    }

    pub(super) fn set<Q>(&self, key: &Q, change: impl FnOnce(&mut LimitSettings)) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.configure(|settings| settings.set(key, change))
    }

    pub(super) fn unset<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.configure(|settings| settings.unset(key))
    }

    pub(super) fn reconfigure(&self, common: KeyedBulkheadSettings) {
        self.configure(|settings| settings.common = common);
    }

    /// Changes the settings, and applies them to all limits.
    fn configure<T>(&self, change: impl FnOnce(&mut Settings<K>) -> T) -> T {
        let mut state = self.state();
        let State { settings, evicted, generation } = &mut *state;
        let changed = change(settings);
        *generation += 1;
        self.limits.set_capacity(settings.common.capacity as usize);
        self.limits.evict_excess(|limit| limit.collect(evicted));
        self.shared.idle_search.reset();
        drop(state);
        while !self.apply_settings() {}
        changed
    }

    /// Sets the settings of each limit, outside of the lock because waiting calls are woken. Returns false if the
    /// settings have changed meanwhile: another thread may then have set older ones after newer ones.
    fn apply_settings(&self) -> bool {
        let state = self.state();
        let generation = state.generation;
        let mut changed = Vec::new();
        self.limits.for_each(|key, KeyedLimit(limit)| {
            let settings = state.settings.of(key);
            if limit.settings() != settings {
                changed.push((limit.clone(), settings));
            }
        });
        drop(state);
        changed.into_iter().for_each(|(limit, settings)| limit.configure(|current| *current = settings));
        self.state().generation == generation
    }

    pub(super) fn settings(&self) -> KeyedBulkheadSettings {
        self.state().settings.common
    }

    pub(super) fn keys(&self) -> Vec<K> {
        let mut keys = Vec::new();
        self.limits.for_each(|key, _| keys.push(key.clone()));
        keys
    }

    pub(super) fn snapshot_of<Q>(&self, key: &Q) -> Option<LimitSnapshot>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // Locked, so that the key is not evicted meanwhile.
        let _state = self.state();
        self.limits.peek(key, |KeyedLimit(limit)| limit.snapshot())
    }

    pub(super) fn snapshot(&self) -> KeyedSnapshot {
        let state = self.state();
        let mut limits = Vec::new();
        self.limits.for_each(|_, KeyedLimit(limit)| limits.push(limit.snapshot()));
        let [permitted, full, queue_timeout, deadline_exceeded, timed_out, abandoned] = self.shared.evicted.read();
        let evicted = KeyedSnapshot {
            name: self.name.clone(),
            capacity: state.settings.common.capacity,
            in_flight: 0,
            queued: 0,
            permitted,
            rejected: Rejections { full, queue_timeout, deadline_exceeded },
            no_room: self.no_room.load(Relaxed),
            timed_out,
            abandoned,
            evicted: state.evicted,
            limits: Vec::new(),
        };
        drop(state);
        evicted.with(limits)
    }
}

// === impl KeyedLimit ===

impl KeyedLimit {
    /// Keeps the counts of a limit that is evicted.
    fn collect(&self, evicted: &mut u64) {
        *evicted += 1;
        // Either this thread takes a count that comes late, or the counting thread sees the eviction.
        fence(SeqCst);
        self.0.collect_counts();
    }
}

impl Evict for KeyedLimit {
    fn eviction_rank(&self) -> Option<u8> {
        self.0.slots.is_idle().then_some(0)
    }

    fn retire(&self, _rank: u8) -> bool {
        self.0.slots.retire()
    }
}
