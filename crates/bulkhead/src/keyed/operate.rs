//! What operators and pages do with keyed limits.

use std::{borrow::Borrow, fmt, hash::Hash};

use mainstay_core::{InvalidSetting, Name, settings};
use portable_atomic::Ordering::Relaxed;

use super::{KeyedLimits, KeyedSettings, KeyedSnapshot};
use crate::{LimitSettings, LimitSnapshot, Rejections};

// === impl KeyedLimits ===

impl<K: Hash + Eq + Clone + fmt::Display> KeyedLimits<K> {
    /// A limit of its own for one key, 1 to a million; see [`set`](Self::set).
    ///
    /// # Errors
    /// A limit out of its range, or too many keys with settings of their own.
    pub fn resize<Q>(&self, key: &Q, limit: u32) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.set_by(key, |own| own.limit = limit)
    }

    /// Settings of its own for one key, live, whether it is in use or not. They stay when an idle key is forgotten and
    /// comes back, until [`unset`](Self::unset); so this is for the keys that operators know, as many as the capacity at
    /// most.
    ///
    /// # Errors
    /// A setting out of its range, or too many keys with settings of their own; nothing changes then.
    pub fn set<Q>(&self, key: &Q, settings: LimitSettings) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.set_by(key, |own| *own = settings)
    }

    fn set_by<Q>(&self, key: &Q, change: impl FnOnce(&mut LimitSettings)) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.0.configure(|state| {
            let mut own = state.settings_of(key);
            change(&mut own);
            own.validate()?;
            if !state.own.contains_key(key) {
                let count = state.own.len() as u64 + 1;
                settings::count("keys with settings of their own", count, 1..=state.settings.capacity.into())?;
            }
            state.own.insert(key.to_owned(), own);
            Ok(())
        })
    }

    /// The common settings again for one key; whether it had its own.
    pub fn unset<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.configure(|state| state.own.remove(key)).is_some()
    }

    /// New settings, live, for all keys that have none of their own. Idle keys above a smaller capacity go at once; busy
    /// ones stay.
    ///
    /// # Errors
    /// A setting out of its range; nothing changes then.
    pub fn reconfigure(&self, settings: KeyedSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.configure(|state| state.settings = settings);
        Ok(())
    }

    /// The common settings.
    #[must_use]
    pub fn settings(&self) -> KeyedSettings {
        self.0.state().settings
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// How many keys are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.limits.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that are kept, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.0.limits.pin().keys().cloned().collect()
    }

    /// The figures of one key, if it is kept.
    #[must_use]
    pub fn snapshot_of<Q>(&self, key: &Q) -> Option<LimitSnapshot>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // Not while it is forgotten.
        let _state = self.0.state();
        self.0.limits.pin().get(key).map(|entry| entry.limit.snapshot())
    }

    /// All figures. A new key waits for it; calls of keys that are kept do not.
    #[must_use]
    pub fn snapshot(&self) -> KeyedSnapshot {
        let state = self.0.state();
        let mut limits: Vec<_> = self.0.limits.pin().values().map(|entry| entry.limit.snapshot()).collect();
        let [permitted, full, queue_timeout, deadline_exceeded, timed_out, abandoned] = state.gone;
        let mut all = KeyedSnapshot {
            name: self.0.name.clone(),
            capacity: state.settings.capacity,
            in_flight: 0,
            queued: 0,
            permitted,
            rejected: Rejections { full, queue_timeout, deadline_exceeded },
            no_room: self.0.no_room.load(Relaxed),
            timed_out,
            abandoned,
            evicted: state.evicted,
            limits: Vec::new(),
        };
        drop(state);
        limits.iter().for_each(|limit| all.add(limit));
        limits.sort_by(|a, b| busy(b).cmp(&busy(a)).then_with(|| a.name.cmp(&b.name)));
        all.limits = limits;
        all
    }
}

/// What runs and what waits.
fn busy(limit: &LimitSnapshot) -> u64 {
    u64::from(limit.in_flight) + u64::from(limit.queued)
}
