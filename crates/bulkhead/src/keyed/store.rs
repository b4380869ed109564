//! Where the limits by key are kept, and how idle ones make room.
//!
//! A key must not be forgotten while it has permits out or callers that wait: who comes next would get a new limit beside
//! the old one, and the two together are too many. So a limit is *retired* first, which is one compare-and-swap on the
//! word that counts both, and succeeds only if the counts are zero; a call that meets a retired limit looks its key up
//! again. That costs known keys nothing, since a retired limit seems full. Counting references was rejected: a reader of
//! a lock-free map has one before it is counted.

use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mainstay_core::{Name, Reason, Rejected};
use portable_atomic::{AtomicU64, Ordering::Relaxed};

use super::{Room, settings::KeyedSettings};
use crate::{Limit, LimitSettings, inner::COUNTS, limit::Entered};

pub(super) struct Store<K> {
    pub(super) name: Name,
    pub(super) limits: papaya::HashMap<K, Entry>,
    /// Taken for a new key, by operators and by pages; never for a key that is kept.
    state: Mutex<State<K>>,
    /// Grows with every new key: the clock of "recently used".
    tick: AtomicU64,
    room: Arc<Room>,
    pub(super) no_room: AtomicU64,
}

pub(super) struct Entry {
    pub(super) limit: Limit,
    used: AtomicU64,
}

pub(super) struct State<K> {
    pub(super) settings: KeyedSettings,
    /// Settings of single keys, whether they are kept or not.
    pub(super) own: HashMap<K, LimitSettings>,
    /// What was counted by those that are gone.
    pub(super) gone: [u64; COUNTS],
    pub(super) evicted: u64,
    /// Of the settings.
    generation: u64,
}

// === impl Store ===

impl<K: Hash + Eq + Clone + fmt::Display> Store<K> {
    pub(super) fn new(name: Name, settings: KeyedSettings) -> Self {
        let state = State { settings, own: HashMap::new(), gone: [0; COUNTS], evicted: 0, generation: 0 };
        Self {
            name,
            limits: papaya::HashMap::new(),
            state: Mutex::new(state),
            tick: AtomicU64::new(0),
            room: Arc::default(),
            no_room: AtomicU64::new(0),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit of this key, or a place in its queue.
    #[inline]
    pub(super) fn enter<Q>(&self, key: &Q, may_wait: bool) -> Entered
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        loop {
            if let Some(entry) = self.limits.pin().get(key) {
                entry.touch(self.tick.load(Relaxed));
                if let Some(entered) = entry.limit.enter_unless_retired(may_wait) {
                    return entered;
                }
            } else if self.room.is_none() {
                return self.refuse();
            }
            if let Some(entered) = self.enter_new(key.to_owned()) {
                return entered;
            }
        }
    }

    /// Keeps a new key and takes its first permit, before anybody else can; nothing if the key is there by now.
    #[cold]
    fn enter_new(&self, key: K) -> Option<Entered> {
        let mut state = self.state();
        let limits = self.limits.pin();
        if limits.contains_key(&key) {
            return None;
        }
        if limits.len() >= state.settings.capacity as usize && !self.make_room(&mut state) {
            drop(state);
            return Some(self.refuse());
        }
        let limit = Limit::keyed(format!("{}/{key}", self.name).into(), &state.settings_of(&key), self.room.clone());
        let entered = limit.enter();
        let used = AtomicU64::new(self.tick.fetch_add(1, Relaxed) + 1);
        limits.insert(key, Entry { limit, used });
        Some(entered)
    }

    #[cold]
    fn refuse(&self) -> Entered {
        if self.no_room.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(bulkhead = %self.name.escape_debug(), "all keys are busy: calls with new ones are refused");
        }
        Entered::Refused(Rejected::new(Reason::BulkheadFull, self.name.clone()))
    }

    /// Whether there is room for one more, after the least recently used idle keys are gone: at least a sixteenth, so
    /// that not every new key has to search.
    fn make_room(&self, state: &mut State<K>) -> bool {
        let capacity = state.settings.capacity as usize;
        self.room.begin_search();
        self.evict(state, (self.limits.len() + 1).saturating_sub(capacity).max(capacity / 16));
        let found = self.limits.len() < capacity;
        self.room.end_search(found);
        found
    }

    /// Forgets so many keys, least recently used first, as far as they are idle.
    fn evict(&self, state: &mut State<K>, count: usize) {
        let limits = self.limits.pin();
        let idle = limits.iter().map(|(key, entry)| (key, entry.used.load(Relaxed), entry.limit.inner()));
        let mut idle: Vec<_> = idle.filter(|(_, _, limit)| limit.slots.is_idle()).collect();
        // By what was read above: calls go on, and a sort by what changes meanwhile may panic.
        idle.sort_unstable_by_key(|(_, used, _)| *used);
        for (key, _, limit) in idle.into_iter().filter(|(_, _, limit)| limit.slots.retire()).take(count) {
            let counts = limit.counts();
            state.gone.iter_mut().zip(counts).for_each(|(gone, count)| *gone += count);
            state.evicted += 1;
            limits.remove(key);
        }
    }

    /// Changes settings, and then the limits that they are for.
    pub(super) fn configure<T>(&self, change: impl FnOnce(&mut State<K>) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state);
        state.generation += 1;
        self.evict_excess(&mut state);
        self.room.made();
        drop(state);
        while !self.settle() {}
        changed
    }

    fn evict_excess(&self, state: &mut State<K>) {
        let excess = self.limits.len().saturating_sub(state.settings.capacity as usize);
        if excess > 0 {
            self.evict(state, excess);
        }
    }

    /// Gives each limit its settings, outside of the lock because callers that wait are woken. False if the settings
    /// have changed meanwhile: then what another thread gave may have been undone.
    fn settle(&self) -> bool {
        let state = self.state();
        let generation = state.generation;
        let limits = self.limits.pin();
        let limits = limits.iter().map(|(key, entry)| (entry.limit.clone(), state.settings_of(key)));
        let changed: Vec<_> = limits.filter(|(limit, settings)| limit.settings() != *settings).collect();
        drop(state);
        changed.iter().for_each(|(limit, settings)| limit.inner().configure(settings));
        self.state().generation == generation
    }
}

// === impl Entry ===

impl Entry {
    #[inline]
    fn touch(&self, now: u64) {
        if self.used.load(Relaxed) != now {
            self.used.store(now, Relaxed);
        }
    }
}

// === impl State ===

impl<K: Hash + Eq> State<K> {
    pub(super) fn settings_of<Q>(&self, key: &Q) -> LimitSettings
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.own.get(key).copied().unwrap_or(self.settings.limit)
    }
}
