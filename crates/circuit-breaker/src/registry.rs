//! Breakers by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use mainstay_core::{InvalidSetting, Name};

use crate::{Breaker, BreakerSettings, BreakerSnapshot, counters::BreakerCounters};

/// Breakers by name: get or create one, take all snapshots, reset all. An explicit value, not a global.
///
/// ```
/// use mainstay_circuit_breaker::BreakerRegistry;
///
/// let registry = BreakerRegistry::new();
/// let orders = registry.get("orders");
/// orders.force_open("ann");
/// assert!(registry.get("orders").try_acquire().is_err());
/// assert_eq!(registry.snapshots().len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct BreakerRegistry(Arc<RwLock<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    settings: BreakerSettings,
    breakers: BTreeMap<Name, Breaker>,
}

impl BreakerRegistry {
    /// Creates an empty registry whose breakers have the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty registry whose breakers have these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: BreakerSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self(Arc::new(RwLock::new(Inner { settings, ..Inner::default() }))))
    }

    /// Returns the breaker of this name, and creates it with the registry's settings if there is none. Keep the result:
    /// each look-up takes a lock.
    #[must_use]
    pub fn get(&self, name: impl Into<Name>) -> Breaker {
        let name = name.into();
        if let Some(breaker) = self.0.read().unwrap_or_else(PoisonError::into_inner).breakers.get(&name) {
            return breaker.clone();
        }
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let settings = inner.settings.clone();
        let make = || Breaker::build(name.clone(), settings, BreakerCounters::per_thread());
        inner.breakers.entry(name.clone()).or_insert_with(make).clone()
    }

    /// Adds a breaker under its own name. Returns the breaker that had the name before.
    pub fn insert(&self, breaker: Breaker) -> Option<Breaker> {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.breakers.insert(breaker.name().clone(), breaker)
    }

    /// Returns all breakers, ordered by name.
    #[must_use]
    pub fn breakers(&self) -> Vec<Breaker> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).breakers.values().cloned().collect()
    }

    /// Returns a snapshot of each breaker, ordered by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<BreakerSnapshot> {
        self.breakers().iter().map(Breaker::snapshot).collect()
    }

    /// Resets every breaker.
    pub fn reset_all(&self, author: impl Into<Name>) {
        let author = author.into();
        self.breakers().iter().for_each(|breaker| breaker.reset(&author));
    }
}
