//! What a failed attempt weighs, given what the other endpoints said to the same request. Pure functions.
//!
//! An endpoint is blamed only for what leaving it would have mended.

use mainstay_core::{FailureKind, Outcome, Overload};

#[cfg(test)]
mod tests;

/// What the other endpoints that this request was sent to have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// None has given a verdict: none was asked, or its answer says nothing.
    Silent,
    /// One has answered well.
    Good,
    /// Every one that was asked has failed.
    Failed,
}

/// What a failed attempt counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It says nothing about the endpoint.
    Nothing,
    /// The request could not be handed over.
    Connect { proven: bool },
    /// Another endpoint has answered the request.
    Proven,
    /// The request failed at every endpoint that was asked, and at least two were.
    FailedEverywhere,
    /// No other endpoint has given a verdict.
    Unproven { in_streak: bool, in_rate: bool },
}

/// Weighs the outcome of a failed attempt.
pub(crate) fn weigh(outcome: &Outcome, others: Others) -> Weight {
    match (outcome, others) {
        _ if !outcome.is_failure() => Weight::Nothing,
        // The caller's limit, not the endpoint's load.
        (Outcome::Overloaded { whose: Overload::Caller, .. }, _) => Weight::Nothing,
        (Outcome::Failure { kind: FailureKind::Connect, .. }, _) => Weight::Connect { proven: others == Others::Good },
        (_, Others::Good) => Weight::Proven,
        (_, Others::Failed) => Weight::FailedEverywhere,
        // An overload counts in a streak only where it is proven.
        (Outcome::Overloaded { .. }, Others::Silent) => Weight::Unproven { in_streak: false, in_rate: true },
        (_, Others::Silent) => Weight::Unproven { in_streak: true, in_rate: true },
    }
}

impl Weight {
    /// No answer came within the delay: it asks for a probe, and says no more.
    pub(crate) const SILENCE: Self = Self::Unproven { in_streak: true, in_rate: false };

    /// No answer came within `abandoned_after`. The attempt was in the streak before.
    pub(crate) const LONG_SILENCE: Self = Self::Unproven { in_streak: false, in_rate: true };

    /// Whether such a failure counts where two endpoints are compared.
    pub(crate) fn counts_in_comparison(self) -> bool {
        match self {
            Self::Connect { .. } | Self::Proven => true,
            Self::Unproven { in_rate, .. } => in_rate,
            Self::Nothing | Self::FailedEverywhere => false,
        }
    }

    /// Whether the failure of a trial call counts, given whether the failover has other endpoints and how many such
    /// failures without a comparison were seen in a row.
    pub(crate) fn counts_in_trial(self, has_others: bool, streak: u32, most: u32) -> bool {
        match self {
            Self::Proven | Self::Connect { .. } => true,
            Self::Unproven { .. } => !has_others || streak >= most,
            Self::FailedEverywhere | Self::Nothing => false,
        }
    }
}
