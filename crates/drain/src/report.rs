//! What a drain ended with.

use std::{
    fmt,
    ops::Add,
    process::{ExitCode, Termination},
};

use mainstay_core::Name;

/// What became of the requests of a server. `accepted = completed + cancelled + aborted` once it has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Served {
    /// Requests that reached the application.
    pub accepted: u64,
    /// Requests that were answered in full.
    pub completed: u64,
    /// Requests that ended early by themselves: the client went away, or the handler panicked.
    pub cancelled: u64,
    /// Requests (and upgraded connections) that the drain cut off.
    pub aborted: u64,
    /// Requests that came too late and were told so with a 503.
    pub refused: u64,
}

/// How a drain ended: what the process logs last, and its exit code.
///
/// `main` may return it, `async fn main() -> Result<Report, Error>`, or call [`exit`](Report::exit), which waits for
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// What became of the requests.
    pub served: Served,
    /// Shutdown hooks that took too long, panicked, or were skipped.
    pub unfinished_hooks: Vec<Name>,
}

// === impl Served ===

impl Add for Served {
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

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, completed, cancelled, aborted, refused } = self;
        write!(f, "accepted {accepted}, completed {completed}, aborted {aborted}, refused {refused}")?;
        match cancelled {
            0 => Ok(()),
            n => write!(f, ", ended by clients {n}"),
        }
    }
}

// === impl Report ===

impl Report {
    /// Whether nothing was cut off: no request, no hook.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.served.aborted == 0 && self.unfinished_hooks.is_empty()
    }

    /// 0 if it ended clean, 1 if something was cut off.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.is_clean() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// Ends the process now, with the exit code.
    ///
    /// Returning from `main` instead drops the runtime, and that waits for ever for a blocking call that hangs (a
    /// name server, a network file system). Nothing that is still alive is dropped.
    pub fn exit(&self) -> ! {
        std::process::exit(i32::from(!self.is_clean()))
    }

    pub(crate) fn log(&self) {
        match self.is_clean() {
            true => tracing::info!("drained: {self}"),
            false => tracing::warn!("drained by force: {self}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.served.fmt(f)?;
        if let [first, rest @ ..] = &*self.unfinished_hooks {
            write!(f, "; hooks not finished: {}", first.escape_debug())?;
            for hook in rest {
                write!(f, ", {}", hook.escape_debug())?;
            }
        }
        Ok(())
    }
}

impl Termination for Report {
    fn report(self) -> ExitCode {
        self.exit_code()
    }
}
