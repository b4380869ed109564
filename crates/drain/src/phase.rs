//! The phases of a drain and its causes.

/// The phases of a process, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// The process serves; the drain has not begun.
    #[default]
    Serving,
    /// The process serves, but is not ready, and HTTP/1.1 responses carry `Connection: close`.
    Announced,
    /// The servers accept no connections; requests in flight continue.
    Closing,
    /// The remaining requests were aborted; shutdown hooks run.
    Finishing,
    /// The drain is over; the process may exit.
    Done,
}

/// The trigger of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// SIGTERM, from an orchestrator that also takes the process out of rotation. `drain_delay` applies.
    Terminate,
    /// SIGINT, from a person at a terminal. No delay.
    Interrupt,
    /// The program itself. `drain_delay` applies.
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

mainstay_core::labels! {
    Phase:
    Serving => "serving",
    Announced => "announced",
    Closing => "closing",
    Finishing => "finishing",
    Done => "done",
}

// === impl Cause ===

impl Cause {
    /// Whether `drain_delay` applies.
    pub(crate) const fn announces(self) -> bool {
        !matches!(self, Self::Interrupt)
    }
}

mainstay_core::labels! {
    Cause:
    Terminate => "SIGTERM",
    Interrupt => "SIGINT",
    Requested => "requested",
}
