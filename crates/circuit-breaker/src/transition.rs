//! Transitions: each change of state or mode, with its reason.

use std::{fmt, time::Duration};

use mainstay_core::Name;
use tokio::time::Instant;

use crate::{Mode, State};

/// One change of state or mode.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Transition {
    /// The number of the change, from 1, without gaps.
    pub sequence: u64,
    /// The time of the change.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::timestamp"))]
    pub at: Instant,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The mode after.
    pub mode: Mode,
    /// The reason, with the numbers of the rule that was broken.
    pub reason: String,
    /// The cause: the rules, or an operator.
    pub actor: Actor,
    /// The time that the breaker stays open, for a change to open.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub open_for: Option<Duration>,
    /// The time in the state before.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub spent: Duration,
}

/// The cause of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Actor {
    /// The breaker's own rules.
    Rules,
    /// A person or program, by the name given.
    Operator(Name),
}

// === impl Actor ===

impl Actor {
    /// Returns `rules`, or the operator's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rules => "rules",
            Self::Operator(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str("rules"),
            Self::Operator(name) => name.fmt(f),
        }
    }
}
