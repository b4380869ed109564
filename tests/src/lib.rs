//! Types shared by the cross-crate suites. Each suite is a file or folder next to `src`:
//!
//! | suite | content |
//! |---|---|
//! | `conformance/` | behaviour vectors of established libraries, one test each, and the table of Mainstay's differences |
//! | `composition/` | layers over layers: which layer counts what, deadlines, axum, Tower's own layers, contract, load |
//! | `types.rs`, `frameworks.rs` | stacks compile without type annotations, over plain requests and in frameworks |
//! | `events.rs` | the events of every handle: what they report, in which order |
//! | `function_form.rs` | every handle runs plain and blocking functions, in one form |
//! | `labels.rs` | `as_str` of every enum: the same as `Display` and in serde |
//! | `snapshots.rs` | every snapshot is written by serde, with durations in seconds and times as RFC 3339 |
//! | `ui/` | compiler messages for common mistakes |
//! | `allocations.rs` | the happy path allocates nothing, and futures stay small |
//! | `wrong_uses.rs` | ten wrong uses, each with its error or its one warning |
//! | `races/` | races between threads: no lost wake-up, no stale status |
//! | `contention.rs` | threads that share one handle |
//! | `generated.rs` | a generated gRPC client over the layers: the statuses that its caller receives |
//! | `streams/` | a gigabyte each way in constant memory; permits and outcomes at the end of a stream |
//! | `scenarios/` | a package of its own: simulations of stacks under failure, and their bars |
//! | `documents/` | the first program of the README runs, tables match their sources, links and paths have a target |
//! | `defects.rs` | the tests for each defect seen in other libraries |

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
};

use mainstay_core::{Refusal, Rejected};
use tower_service::Service;

/// A typed error, as an application that avoids boxing defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A layer refused the request.
    Refused(Rejected),
    /// The backend failed.
    Down,
}

/// A service that returns the request at once, so that measurements show the cost of the layers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

// === impl Error ===

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Refusal for Error {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Refused(rejected) => Some(rejected),
            Self::Down => None,
        }
    }

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(rejected) => rejected.fmt(f),
            Self::Down => f.write_str("the backend is down"),
        }
    }
}

impl std::error::Error for Error {}

// === impl Echo ===

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<Result<u64, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}
