//! What an error of Redis means: its kind, whether the command was executed, whether the connection is of use.

use redis::{ErrorKind, RedisError};

use super::redaction::Redaction;
use crate::{StorageError, StorageErrorKind as Kind};

/// A failed attempt.
pub(super) struct Failure {
    pub(super) error: StorageError,
    /// Whether the server may have executed the command.
    pub(super) may_be_executed: bool,
}

/// The codes of answers that are no fault of the command, with their kind.
const CODES: &[(&str, Kind)] = &[
    ("READONLY", Kind::ReadOnly),
    ("OOM", Kind::Full),
    ("WRONGTYPE", Kind::Malformed),
    ("NOAUTH", Kind::Unauthenticated),
    ("WRONGPASS", Kind::Unauthenticated),
    ("LOADING", Kind::Unavailable),
    ("MASTERDOWN", Kind::Unavailable),
    ("CLUSTERDOWN", Kind::Unavailable),
    ("TRYAGAIN", Kind::Unavailable),
    ("MISCONF", Kind::Unavailable),
    ("NOREPLICAS", Kind::Unavailable),
    ("BUSY", Kind::Unavailable),
];

// === impl Failure ===

impl Failure {
    /// There was no answer in time.
    pub(super) fn timeout(error: StorageError) -> Self {
        Self { error, may_be_executed: true }
    }

    /// The storage was not called.
    pub(super) fn not_sent(error: StorageError) -> Self {
        Self { error, may_be_executed: false }
    }

    /// There is no connection.
    pub(super) fn to_connect(error: &RedisError, redaction: &Redaction) -> Self {
        let kind = match kind(error) {
            // The server answers a new connection with an error if it has too many.
            Kind::Refused => Kind::Unavailable,
            kind => kind,
        };
        Self { error: StorageError::new(kind, text(error, redaction)), may_be_executed: false }
    }

    /// The command failed.
    pub(super) fn of_command(error: &RedisError, redaction: &Redaction) -> Self {
        let kind = kind(error);
        let may_be_executed = kind == Kind::Unreachable;
        Self { error: StorageError::new(kind, text(error, redaction)), may_be_executed }
    }

    /// Whether the next attempt needs another connection. A replica is left too: after a failover the name of the server
    /// leads to another one.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self.error.kind(), Kind::Timeout | Kind::Unreachable | Kind::ReadOnly | Kind::Unauthenticated)
    }

    /// Whether another attempt may have another result.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.error.kind(), Kind::Timeout | Kind::Unreachable | Kind::ReadOnly | Kind::Unavailable)
    }
}

fn kind(error: &RedisError) -> Kind {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Kind::Unauthenticated,
        ErrorKind::Server(_) | ErrorKind::Extension => kind_of_answer(error),
        _ => Kind::Unreachable,
    }
}

/// Before version 7, an error in a script has the code ERR, and its own code in the text.
fn kind_of_answer(error: &RedisError) -> Kind {
    let (code, detail) = (error.code().unwrap_or_default(), error.detail().unwrap_or_default());
    let is_code = |known: &str| code == known || (code == "ERR" && detail.contains(&format!("-{known} ")));
    CODES.iter().find(|(known, _)| is_code(known)).map_or(Kind::Refused, |(_, kind)| *kind)
}

fn text(error: &RedisError, redaction: &Redaction) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    redaction.clean(&text)
}
