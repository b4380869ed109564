//! The protocol, and its policy. A command is a line, its reply is a line.
//!
//! | reply | meaning | outcome |
//! |---|---|---|
//! | `OK ..` | the answer | success |
//! | `BUSY 20` | overloaded; retry in 20 ms | overloaded |
//! | `WRONG ..` | an error of the caller | ignored |
//! | `ERROR ..`, any other reply | an error of the server | failure |

use std::time::Duration;

use mainstay::{Classify, Contextual, FailureKind, Follow, Outcome, Refusal, Replay, RequestContext, RequestCopy};

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// `GET key`, `SET key value` or `PING`.
    pub line: String,
    /// The layers' data on this command, such as its deadline. It is not sent to the server.
    context: Option<RequestContext>,
}

/// A reply, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(pub String);

/// The policy: what the layers need to know about the protocol. One value serves the whole stack.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

// === impl Command ===

impl From<&str> for Command {
    fn from(line: &str) -> Self {
        Self { line: line.to_owned(), context: None }
    }
}

// === impl Lines ===

impl<E: Refusal> Classify<Reply, E> for Lines {
    fn classify(&self, result: Result<&Reply, &E>) -> Outcome {
        let reply = match result {
            Ok(reply) => reply,
            // Refusals of our own layers are not failures of the server.
            Err(error) => {
                let refused = error.rejected().map(|rejected| rejected.outcome());
                return refused.unwrap_or(Outcome::failure(FailureKind::Network));
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
}

/// A reply arrives as a whole, so there is no stream to follow.
impl Follow<Reply> for Lines {}

/// Only `GET` is repeated after it was sent. A `SET` may have been executed before its reply was lost.
impl Replay<Command> for Lines {
    fn replay(&self, command: &Command) -> Option<RequestCopy<Command>> {
        let copy = command.clone();
        Some(match command.line.starts_with("GET ") {
            true => RequestCopy::new(copy),
            false => RequestCopy::only_if_unsent(copy),
        })
    }
}

/// The request context carries the deadline, and the attempt quota that retry and failover share.
impl Contextual<Command> for Lines {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, command: &'a Command) -> Option<&'a RequestContext> {
        command.context.as_ref()
    }

    fn set_context(&self, command: &mut Command, context: RequestContext) {
        command.context = Some(context);
    }
}
