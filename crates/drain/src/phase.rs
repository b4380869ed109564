//! How far a drain is, and what began it.

use std::fmt;

/// The phases of a process, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It still serves, but says that it will stop: not ready, and HTTP/1.1 answers carry `Connection: close`.
    Announced,
    /// It accepts nothing new; what is in flight goes on.
    Closing,
    /// What was left has been cut off; shutdown hooks run.
    Finishing,
    /// Nothing is left to do.
    Done,
}

/// What began a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// SIGTERM: an orchestrator that also takes the process out of rotation, which needs the delay.
    Terminate,
    /// SIGINT: a person at a terminal, who does not want to wait. No delay.
    Interrupt,
    /// The program itself. With the delay.
    Requested,
}

// === impl Phase ===

impl Phase {
    pub(crate) const fn from_u8(phase: u8) -> Self {
        match phase {
            0 => Self::Serving,
            1 => Self::Announced,
            2 => Self::Closing,
            3 => Self::Finishing,
            _ => Self::Done,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Serving => "serving",
            Self::Announced => "announced",
            Self::Closing => "closing",
            Self::Finishing => "finishing",
            Self::Done => "done",
        })
    }
}

// === impl Cause ===

impl Cause {
    pub(crate) const fn announces(self) -> bool {
        !matches!(self, Self::Interrupt)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Requested => "requested",
        })
    }
}
