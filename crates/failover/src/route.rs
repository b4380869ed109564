//! Where traffic goes, as one atomic word, so that a request finds with one load that nothing has changed.

use std::sync::atomic::{AtomicU64, Ordering};

use mainstay_core::Level;

/// The state of a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum FailoverState {
    /// Traffic goes to the first endpoint.
    OnPrimary,
    /// Traffic goes to a later endpoint.
    OnBackup,
    /// No endpoint is usable; [`AllDown`](crate::AllDown) says what happens to requests.
    AllDown,
    /// An operator chose the endpoint.
    Forced,
}

/// Where traffic goes: the state, and the endpoint in use, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) state: FailoverState,
    pub(crate) index: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct AtomicRoute(AtomicU64);

// === impl Route ===

impl Route {
    pub(crate) const PRIMARY: Self = Self { state: FailoverState::OnPrimary, index: Some(0) };

    /// Returns the route to a usable endpoint.
    pub(crate) fn on(index: usize) -> Self {
        let state = if index == 0 { FailoverState::OnPrimary } else { FailoverState::OnBackup };
        Self { state, index: Some(index) }
    }

    /// Returns the word: the state in the two lowest bits, above it the endpoint's number from 1, or 0 for none.
    fn word(self) -> u64 {
        let index = self.index.map_or(0, |index| index as u64 + 1);
        (index << 2) | self.state as u64
    }

    #[inline]
    fn from_word(word: u64) -> Self {
        let state = match word & 0b11 {
            0 => FailoverState::OnPrimary,
            1 => FailoverState::OnBackup,
            2 => FailoverState::AllDown,
            _ => FailoverState::Forced,
        };
        Self { state, index: (word >> 2).checked_sub(1).map(|index| index as usize) }
    }
}

// === impl AtomicRoute ===

impl AtomicRoute {
    pub(crate) fn new(route: Route) -> Self {
        Self(AtomicU64::new(route.word()))
    }

    #[inline]
    pub(crate) fn load(&self) -> Route {
        Route::from_word(self.0.load(Ordering::Acquire))
    }

    /// Stores a route. Only the switchboard may, under its lock.
    pub(crate) fn store(&self, route: Route) {
        self.0.store(route.word(), Ordering::Release);
    }
}

// === impl FailoverState ===

mainstay_core::labels! {
    FailoverState:
    OnPrimary => "on_primary",
    OnBackup => "on_backup",
    AllDown => "all_down",
    Forced => "forced",
}

impl FailoverState {
    /// Returns the state as words of a sentence.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::OnPrimary => "on primary",
            Self::OnBackup => "on backup",
            Self::AllDown => "all down",
            Self::Forced => "forced",
        }
    }

    /// Returns the health of a failover in this state.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::OnPrimary => Level::Healthy,
            Self::OnBackup | Self::Forced => Level::Degraded,
            Self::AllDown => Level::Unhealthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_holds_every_route() {
        for state in [FailoverState::OnPrimary, FailoverState::OnBackup, FailoverState::AllDown, FailoverState::Forced]
        {
            for index in [None, Some(0), Some(1), Some(9_999)] {
                let route = Route { state, index };
                assert_eq!(AtomicRoute::new(route).load(), route);
            }
        }
    }
}
