//! What the signals of an endpoint call for, with the reason in words.

use mainstay_core::{Name, Tally};

/// The signal that ends an endpoint's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Requests can't be handed over.
    Connect,
    /// Probes fail.
    Probes,
    /// Requests fail.
    Requests,
}

/// What the signals of an endpoint call for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The endpoint stays in use.
    Stay,
    /// A probe decides.
    Ask { proven: bool, without_probe: WithoutProbe, reason: String },
    /// A comparison with the next endpoint decides.
    Compare { reason: String },
    /// The endpoint is left.
    Leave { signal: Signal, reason: String },
}

/// What happens if there is no probe to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutProbe {
    Stay,
    Compare,
    Leave,
}

// === impl Decision ===

impl Decision {
    pub(crate) fn leave(signal: Signal, reason: String) -> Self {
        Self::Leave { signal, reason }
    }
}

/// Returns the reason of a streak.
pub(crate) fn in_a_row(streak: u32) -> String {
    format!("{streak} failures in a row")
}

/// Returns the reason of a streak whose last request has not failed, but waits for an answer past the delay.
pub(crate) fn without_answer(streak: u32) -> String {
    format!("{streak} requests in a row failed or had no answer within the delay")
}

/// Returns the reason of a comparison.
pub(crate) fn compared(own: Tally, others: Tally, other: &Name) -> String {
    format!("{}, and {} of {} at {other} meanwhile", rate(own), others.hits, others.calls)
}

/// Returns the reason of a rate.
pub(crate) fn rate(tally: Tally) -> String {
    format!("{} of {} calls failed", tally.hits, tally.calls)
}
