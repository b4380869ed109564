//! The settings of keyed limits.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

use mainstay_core::{InvalidSetting, settings};

use crate::LimitSettings;

/// Settings of [`KeyedLimits`](crate::KeyedLimits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct KeyedBulkheadSettings {
    /// The settings of the limit of each key that has no settings of its own.
    pub limit: LimitSettings,
    /// The largest number of keys that are kept: 1 to a million, by default 1,024, at some 600 bytes each. Only keys that
    /// are busy at the same time need room. With more busy keys than this, calls with new keys are refused.
    pub capacity: u32,
}

/// The common settings, and those of single keys.
pub(super) struct Settings<K> {
    pub(super) common: KeyedBulkheadSettings,
    /// Whether the key is kept or not.
    own: HashMap<K, LimitSettings>,
}

// === impl KeyedBulkheadSettings ===

impl KeyedBulkheadSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("capacity", self.capacity.into(), 1..=1_000_000)?;
        self.limit.validate().map_err(|error| error.within("limit"))
    }
}

impl Default for KeyedBulkheadSettings {
    fn default() -> Self {
        Self { limit: LimitSettings::default(), capacity: 1_024 }
    }
}

// === impl Settings ===

impl<K: Hash + Eq> Settings<K> {
    pub(super) fn new(common: KeyedBulkheadSettings) -> Self {
        Self { common, own: HashMap::new() }
    }

    pub(super) fn of<Q>(&self, key: &Q) -> LimitSettings
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.own.get(key).copied().unwrap_or(self.common.limit)
    }

    pub(super) fn set<Q>(&mut self, key: &Q, change: impl FnOnce(&mut LimitSettings)) -> Result<(), InvalidSetting>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut own = self.of(key);
        change(&mut own);
        own.validate()?;
        if !self.own.contains_key(key) {
            let count = self.own.len() as u64 + 1;
            settings::count("keys with settings of their own", count, 1..=self.common.capacity.into())?;
        }
        self.own.insert(key.to_owned(), own);
        Ok(())
    }

    /// Returns whether the key had settings of its own.
    pub(super) fn unset<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.own.remove(key).is_some()
    }
}
