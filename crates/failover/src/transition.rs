//! One change of where traffic goes.

use std::{fmt, time::Duration};

use mainstay_core::{LogLimit, Name, escaped};
use tokio::time::Instant;
use tracing::field::display;

use crate::{route::FailoverState, snapshot::tenths};

/// One change of where traffic goes.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Transition {
    /// The number of the change, from 1, without gaps. It is also the failover's epoch from here on.
    pub sequence: u64,
    /// When the change was made.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::timestamp"))]
    pub at: Instant,
    /// The endpoint in use before; none when requests were refused.
    pub from: Option<Name>,
    /// The endpoint in use after.
    pub to: Option<Name>,
    /// The state before.
    pub previous: FailoverState,
    /// The state from here on.
    pub state: FailoverState,
    /// How long the endpoint that was left for a backup gets no traffic.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub hold: Option<Duration>,
    /// The reason, with the numbers that caused the change.
    pub reason: String,
    /// The time spent in the state before.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub spent: Duration,
}

// === impl Transition ===

impl Transition {
    /// Emits the tracing event of the change. `is_return` is set if it leads from a backup to an earlier endpoint. `tries`
    /// limits the lines about endpoints that are tried while none is usable: that can change with each request.
    pub(crate) fn trace(&self, failover: &Name, is_alone: bool, is_return: bool, tries: &LogLimit) {
        let Self { sequence, from, to, state, hold, .. } = self;
        let (failover, change) = (&**failover, self);
        let (from, to, hold) = (from.as_deref(), to.as_deref(), hold.map(|hold| display(tenths(hold))));
        macro_rules! event {
            ($level:ident, $message:literal $(, $field:ident)*) => {
                tracing::$level!(failover, sequence, from, to, %state, hold, %change, $($field,)* $message)
            };
        }
        match (self.state, self.previous) {
            (FailoverState::AllDown, FailoverState::AllDown) => {
                if let Some(left_out) = tries.fault(self.at) {
                    event!(info, "tries another endpoint", left_out);
                }
            }
            (FailoverState::AllDown, _) if is_alone => event!(error, "no endpoint is usable and there is no backup"),
            (FailoverState::AllDown, _) => event!(error, "no endpoint is usable"),
            (FailoverState::OnBackup, FailoverState::AllDown) => event!(warn, "a backup is usable again"),
            (FailoverState::OnBackup, _) if is_return => event!(info, "back on an earlier backup"),
            (FailoverState::OnBackup, _) => event!(warn, "switched to a backup"),
            (FailoverState::Forced, _) => event!(warn, "switched by an operator"),
            (FailoverState::OnPrimary, _) => event!(info, "back on the primary"),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NOWHERE: &Name = &Name::literal("nowhere");
        let (from, to) = (self.from.as_ref().unwrap_or(NOWHERE), self.to.as_ref().unwrap_or(NOWHERE));
        match from == to {
            true => write!(f, "{to} ({} -> {}", self.previous.words(), self.state.words())?,
            false => write!(f, "{from} -> {to} ({}", self.state.words())?,
        }
        if let Some(hold) = self.hold {
            write!(f, ", hold {}", tenths(hold))?;
        }
        write!(f, "): {}", escaped(&self.reason))
    }
}
