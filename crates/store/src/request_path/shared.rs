//! What the calls of a path and its watchdog share.

use std::sync::{Arc, atomic::AtomicBool};

use mainstay_core::{Counters, Random};

use super::{availability::Availability, settings::RequestPathSettings};
use crate::Storage;

pub(super) struct Shared {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) settings: RequestPathSettings,
    pub(super) availability: Availability,
    pub(super) counters: Counters<5>,
    /// Whether the watchdog runs. There is one at most.
    pub(super) is_watched: AtomicBool,
    pub(super) random: Random,
}

/// The indices of the counters.
pub(super) const CALLS: usize = 0;
pub(super) const TIMEOUTS: usize = 1;
pub(super) const OUTAGES: usize = 2;
pub(super) const ERRORS: usize = 3;
pub(super) const SKIPPED: usize = 4;
