//! The protocol, and its policy. A command is a line, its reply is a line.
//!
//! | reply | meaning | outcome |
//! |---|---|---|
//! | `OK ..` | the answer | success |
//! | `BUSY 20` | overloaded; retry in 20 ms | overloaded |
//! | `WRONG ..` | an error of the caller | ignored |
//! | `ERROR ..`, any other reply | an error of the server | failure |

use std::time::Duration;

use mainstay::{BoxError, FailureKind, Outcome, Refusal, RequestContext, RequestCopy};

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// `GET key`, `SET key value` or `PING`.
    pub line: String,
    /// The layers' data on this command: the deadline, and the attempt quota that retry and failover share. It is not
    /// sent to the server.
    pub(crate) context: Option<RequestContext>,
}

/// A reply, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(pub String);

// === impl Command ===

impl From<&str> for Command {
    fn from(line: &str) -> Self {
        Self { line: line.to_owned(), context: None }
    }
}

// === the policy ===

/// Returns the outcome of a reply, for all layers of the stack.
pub(crate) fn outcome(result: Result<&Reply, &BoxError>) -> Outcome {
    let reply = match result {
        Ok(reply) => reply,
        // Refusals of our own layers are not failures of the server.
        Err(error) => {
            return error.rejected().map_or(Outcome::failure(FailureKind::Network), |rejected| rejected.outcome());
        }
    };
    let mut words = reply.0.split_whitespace();
    match words.next() {
        Some("OK") => Outcome::Success,
        Some("BUSY") => {
            // Without a valid number there is no wait. The retry layer caps a wait that is too long.
            let wait = words.next().and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
            Outcome::overloaded(wait)
        }
        Some("WRONG") => Outcome::ignored(),
        Some("ERROR") => Outcome::failure(FailureKind::Unavailable),
        _ => Outcome::failure(FailureKind::Unknown),
    }
}

/// Returns the copy for another attempt. Only `GET` is repeated after it was sent: a `SET` may have been executed before
/// its reply was lost.
pub(crate) fn copy(command: &Command) -> Option<RequestCopy<Command>> {
    let copy = command.clone();
    Some(match command.line.starts_with("GET ") {
        true => RequestCopy::new(copy),
        false => RequestCopy::only_if_unsent(copy),
    })
}
