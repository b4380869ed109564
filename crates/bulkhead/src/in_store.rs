//! What the limits of a keyed store share.

use std::sync::Arc;

use mainstay_core::{Counters, EventSender, LogLimit};

use crate::{LimitEvent, count::COUNTS, idle_search::IdleSearch};

/// What the limits of a keyed store share.
pub(crate) struct InStore {
    pub(crate) idle_search: IdleSearch,
    /// Of the lines of all limits.
    pub(crate) log_limit: Arc<LogLimit>,
    /// Of all limits.
    pub(crate) events: EventSender<LimitEvent>,
    /// The sums of the counts of evicted limits.
    pub(crate) evicted: Counters<COUNTS>,
}

// === impl InStore ===

impl InStore {
    /// Moves the counts of an evicted limit into the sums. Each count moves once, whichever thread moves it.
    pub(crate) fn collect(&self, counters: &Counters<COUNTS>) {
        let counts = counters.take();
        counts.into_iter().enumerate().for_each(|(index, count)| self.evicted.add_many(index, count));
    }
}

impl Default for InStore {
    fn default() -> Self {
        Self {
            idle_search: IdleSearch::default(),
            log_limit: Arc::default(),
            events: EventSender::new(),
            evicted: Counters::shared(),
        }
    }
}
