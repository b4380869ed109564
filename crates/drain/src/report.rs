//! The result of a drain: counts of requests, unfinished hooks, exit code.

use std::{
    fmt,
    ops::Add,
    process::{ExitCode, Termination},
};

use mainstay_core::Name;

/// The requests of a server by their end. `accepted = completed + cancelled + aborted` once it has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RequestCounts {
    /// Requests that reached the application.
    pub accepted: u64,
    /// Requests whose response was sent in full.
    pub completed: u64,
    /// Requests that ended early without the drain: the client disconnected, or the handler panicked.
    pub cancelled: u64,
    /// Requests (and upgraded connections) that the drain aborted.
    pub aborted: u64,
    /// Requests that arrived after the server stopped accepting, and were answered with a 503.
    pub refused: u64,
}

/// The result of a drain: the last line in the log, and the exit code.
///
/// `main` may return it, `async fn main() -> Result<DrainReport, Error>`, or call [`exit`](DrainReport::exit), which
/// does not wait for blocking calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DrainReport {
    /// The requests by their end.
    pub requests: RequestCounts,
    /// Names of the shutdown hooks that exceeded their limit, panicked, or were skipped.
    pub unfinished_hooks: Vec<Name>,
}

// === impl RequestCounts ===

impl Add for RequestCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            completed: self.completed + other.completed,
            cancelled: self.cancelled + other.cancelled,
            aborted: self.aborted + other.aborted,
            refused: self.refused + other.refused,
        }
    }
}

impl fmt::Display for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, completed, cancelled, aborted, refused } = self;
        write!(f, "accepted {accepted}, completed {completed}, aborted {aborted}, refused {refused}")?;
        match cancelled {
            0 => Ok(()),
            n => write!(f, ", cancelled {n}"),
        }
    }
}

// === impl DrainReport ===

impl DrainReport {
    /// Returns whether no request was aborted and every hook finished.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.requests.aborted == 0 && self.unfinished_hooks.is_empty()
    }

    /// Returns 0 if the drain is [clean](Self::is_clean), else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.is_clean() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// Exits the process with the exit code, without dropping what is still alive.
    ///
    /// Returning from `main` instead drops the runtime, which waits for a blocking call that hangs (a name server, a
    /// network file system) for ever.
    pub fn exit(&self) -> ! {
        std::process::exit(i32::from(!self.is_clean()))
    }

    pub(crate) fn log(&self) {
        match self.is_clean() {
            true => tracing::info!("drained: {self}"),
            false => tracing::warn!("drained, but requests or hooks were aborted: {self}"),
        }
    }
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requests.fmt(f)?;
        if let [first, rest @ ..] = &*self.unfinished_hooks {
            write!(f, "; hooks not finished: {first}")?;
            for hook in rest {
                write!(f, ", {hook}")?;
            }
        }
        Ok(())
    }
}

impl Termination for DrainReport {
    fn report(self) -> ExitCode {
        self.exit_code()
    }
}
