//! What the cross-crate suites share. The suites stand beside this folder, one file or folder each:
//!
//! | suite | what it shows |
//! |---|---|
//! | `conformance/` | behaviour vectors of established libraries, one test each, with the table of our differences |
//! | `composition/` | layers over layers: blame, deadlines, axum, Tower's own, the contract of stacks, a storm of callers |
//! | `types.rs`, `ui/` | stacks need no annotations; what the compiler says of mistakes |
//! | `allocations.rs` | the happy path allocates nothing, and futures stay small |
//! | `contention.rs` | threads that meet at one handle |
//! | `generated.rs` | a generated gRPC client over our layers: the statuses that its caller reads |
//! | `streams/` | a gigabyte each way in flat memory, permits kept and verdicts given at the end of a stream |
//! | `defects.rs` | which tests own which defect of the field |

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
};

use mainstay_core::{Refusal, Rejected};
use tower_service::Service;

/// A typed error, as somebody who does not want to box would write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// One of our layers refused.
    Refused(Rejected),
    /// The backend failed.
    Down,
}

/// A service that answers at once with the request: what remains is what the layers cost.
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
