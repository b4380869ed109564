//! The settings that deposits and retries read, in hundredths of a token.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::budget::{cost::Cost, settings::BudgetSettings};

#[derive(Debug, Default)]
pub(super) struct LiveSettings {
    earned_per_success: AtomicU32,
    cost: AtomicU32,
    cost_throttled: AtomicU32,
}

// === impl LiveSettings ===

impl LiveSettings {
    pub(super) fn set(&self, settings: &BudgetSettings) {
        self.earned_per_success.store(hundredths(settings.earned_per_success), Relaxed);
        self.cost.store(hundredths(settings.cost), Relaxed);
        self.cost_throttled.store(hundredths(settings.cost_throttled), Relaxed);
    }

    pub(super) fn earned_per_success(&self) -> u32 {
        self.earned_per_success.load(Relaxed)
    }

    pub(super) fn cost(&self, cost: Cost) -> u32 {
        match cost {
            Cost::Retry => self.cost.load(Relaxed),
            Cost::Throttled => self.cost_throttled.load(Relaxed),
        }
    }
}

pub(super) fn hundredths(tokens: f64) -> u32 {
    (tokens * 100.0).round() as u32
}
