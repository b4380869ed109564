//! The public state and mode of a breaker.

use std::fmt;

/// The state of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum State {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// A limited number of trial calls pass.
    HalfOpen,
}

/// The mode that an operator has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Mode {
    /// The breaker works by its rules.
    Normal,
    /// Every call is refused until an operator changes the mode.
    ForcedOpen,
    /// Every call passes, and no outcome is recorded.
    Disabled,
    /// Outcomes are recorded and changes of state reported, but every call passes.
    Shadow,
}

// === impl State ===

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

// === impl Mode ===

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::ForcedOpen => "forced open",
            Self::Disabled => "disabled",
            Self::Shadow => "shadow",
        })
    }
}
