//! The public state and mode of a breaker.

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

mainstay_core::labels! {
    State:
    Closed => "closed",
    Open => "open",
    HalfOpen => "half_open",
}

// === impl Mode ===

mainstay_core::labels! {
    Mode:
    Normal => "normal",
    ForcedOpen => "forced_open",
    Disabled => "disabled",
    Shadow => "shadow",
}
