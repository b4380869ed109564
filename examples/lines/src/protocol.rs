//! A command is a line, its reply is a line.
//!
//! | reply | meaning | outcome |
//! |---|---|---|
//! | `OK ..` | the answer | success |
//! | `BUSY 20` | come back in 20 ms | overloaded |
//! | `WRONG ..` | the caller's mistake | ignored |
//! | `ERROR ..`, nothing that is known | the server's fault | failure |

use std::time::Duration;

use mainstay::{Classify, Contextual, FailureKind, Follow, Outcome, Refusal, Replay, RequestContext};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Command {
    /// `GET key`, `SET key value` or `PING`.
    pub line: String,
    /// What the layers tell each other about this command. It stays on this side of the wire.
    context: Option<RequestContext>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(pub String);

/// All that the layers must know of the protocol: one value for the whole stack.
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
            // Our own layers' refusals first: they say nothing about the server.
            Err(error) => {
                let refused = error.rejected().map(|rejected| rejected.outcome());
                return refused.unwrap_or(Outcome::failure(FailureKind::Network));
            }
        };
        let mut words = reply.0.split_whitespace();
        match words.next() {
            Some("OK") => Outcome::Success,
            Some("BUSY") => {
                // Absent, negative or no number: no wait. Retry caps one that is too long.
                let wait = words.next().and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
                Outcome::overloaded(wait)
            }
            Some("WRONG") => Outcome::Ignored,
            Some("ERROR") => Outcome::failure(FailureKind::Unavailable),
            _ => Outcome::failure(FailureKind::Unknown),
        }
    }
}

/// A reply is whole when it comes: nothing of it is left to follow.
impl Follow<Reply> for Lines {}

/// A command that changes something is sent once: its reply may be lost after it was done.
impl Replay<Command> for Lines {
    fn replay(&self, command: &Command) -> Option<Command> {
        command.line.starts_with("GET ").then(|| command.clone())
    }
}

/// Where the deadline travels, and the count of sends that retry and failover share.
impl Contextual<Command> for Lines {
    fn context<'a>(&self, command: &'a Command) -> Option<&'a RequestContext> {
        command.context.as_ref()
    }

    fn set_context(&self, command: &mut Command, context: RequestContext) {
        command.context = Some(context);
    }
}
