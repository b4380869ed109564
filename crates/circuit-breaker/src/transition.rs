//! The log of state changes: bounded, gap-free, with the numbers that fired.

use std::{collections::VecDeque, fmt, time::Duration};

use mainstay_core::Name;
use tokio::time::Instant;

use crate::{Mode, State};

/// One change of state or mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The number of the change, from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Instant,
    /// The state before and after.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The mode after.
    pub mode: Mode,
    /// Why, with the numbers that fired.
    pub reason: String,
    /// Who.
    pub actor: Actor,
    /// How long it will stay open, when it opened.
    pub open_for: Option<Duration>,
    /// The time spent in the state before.
    pub spent: Duration,
}

/// Who changed a state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Actor {
    /// The breaker's own rules.
    Rules,
    /// A person or program that gave this name.
    Operator(Name),
}

/// The last changes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Transition>,
    sequence: u64,
}

impl Log {
    const KEPT: usize = 64;

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(crate) fn push(&mut self, transition: Transition) {
        if self.entries.len() == Self::KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(transition);
    }

    pub(crate) fn entries(&self) -> Vec<Transition> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn last(&self) -> Option<&Transition> {
        self.entries.back()
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str("rules"),
            Self::Operator(name) => write!(f, "{}", name.escape_debug()),
        }
    }
}
