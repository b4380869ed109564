//! The settings of a keyed store: the common ones, and those of single keys.

use std::{collections::HashMap, hash::Hash};

use mainstay_core::{InvalidSetting, settings};

use super::KeyedBreakerSettings;
use crate::BreakerSettings;

/// The common settings, and those of single keys.
pub(super) struct Settings<K> {
    pub(super) common: KeyedBreakerSettings,
    /// Those that the store was made with. Every breaker is made with them, so that all have the same windows.
    first: BreakerSettings,
    /// Whether the key is kept or not.
    own: HashMap<K, BreakerSettings>,
    /// The number of changes.
    pub(super) generation: u64,
}

// === impl Settings ===

impl<K: Hash + Eq + Clone> Settings<K> {
    pub(super) fn new(common: KeyedBreakerSettings) -> Self {
        Self { first: common.breaker.clone(), common, own: HashMap::new(), generation: 0 }
    }

    pub(super) fn of(&self, key: &K) -> &BreakerSettings {
        self.own.get(key).unwrap_or(&self.common.breaker)
    }

    /// Returns the settings that the breaker of a new key is made with, those that it then gets, and the generation.
    pub(super) fn of_new(&self, key: &K) -> (BreakerSettings, BreakerSettings, u64) {
        (self.first.clone(), self.of(key).clone(), self.generation)
    }

    pub(super) fn set_common(&mut self, common: KeyedBreakerSettings) {
        self.common = common;
        self.generation += 1;
    }

    pub(super) fn set(&mut self, key: &K, own: BreakerSettings) -> Result<(), InvalidSetting> {
        if !self.own.contains_key(key) {
            let count = self.own.len() as u64 + 1;
            settings::count("keys with settings of their own", count, 1..=self.common.capacity.into())?;
        }
        self.own.insert(key.clone(), own);
        self.generation += 1;
        Ok(())
    }

    /// Returns whether the key had settings of its own.
    pub(super) fn unset(&mut self, key: &K) -> bool {
        let had = self.own.remove(key).is_some();
        self.generation += u64::from(had);
        had
    }
}
