//! The log of changes: bounded and gap-free.

use std::{collections::VecDeque, fmt, time::Duration};

use mainstay_core::Name;
use tokio::time::Instant;

use crate::FailoverState;

/// One change of where traffic goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The number of the change, from 1, without gaps. It is also the failover's epoch from here on.
    pub sequence: u64,
    /// When.
    pub at: Instant,
    /// The endpoint in use before; none when requests were refused.
    pub from: Option<Name>,
    /// The endpoint in use after.
    pub to: Option<Name>,
    /// What the failover is doing from here on.
    pub state: FailoverState,
    /// Why, with the numbers that fired.
    pub reason: String,
    /// The time spent in the state before.
    pub spent: Duration,
}

/// The last changes.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Transition>,
    pub(crate) sequence: u64,
    pub(crate) since: Instant,
}

impl Log {
    const KEPT: usize = 64;

    pub(crate) fn new(now: Instant) -> Self {
        Self { entries: VecDeque::new(), sequence: 0, since: now }
    }

    pub(crate) fn push(&mut self, change: impl FnOnce(u64, Duration) -> Transition, now: Instant) -> Transition {
        self.sequence += 1;
        let transition = change(self.sequence, now.saturating_duration_since(self.since));
        self.since = now;
        if self.entries.len() == Self::KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(transition.clone());
        transition
    }

    pub(crate) fn entries(&self) -> Vec<Transition> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn last(&self) -> Option<&Transition> {
        self.entries.back()
    }
}

// === impl Transition ===

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |name: &Option<Name>| name.as_ref().map_or("nowhere".to_owned(), |name| name.escape_debug().to_string());
        write!(f, "{} -> {} ({}): {}", shown(&self.from), shown(&self.to), self.state, self.reason)
    }
}
