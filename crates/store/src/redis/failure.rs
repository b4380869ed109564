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

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn failure(answer: &str) -> Failure {
        let error = parse_redis_value(format!("-{answer}\r\n").as_bytes()).unwrap().extract_error().unwrap_err();
        Failure::of_command(&error, &Redaction::default())
    }

    #[test]
    fn answers_are_told_apart_by_their_code() {
        let answers = [
            ("READONLY You can't write against a read only replica.", Kind::ReadOnly),
            ("OOM command not allowed when used memory > 'maxmemory'.", Kind::Full),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Kind::Malformed),
            ("LOADING Redis is loading the dataset in memory", Kind::Unavailable),
            ("MISCONF Errors writing to the AOF file: No space left on device", Kind::Unavailable),
            ("NOREPLICAS Not enough good replicas to write.", Kind::Unavailable),
            ("CLUSTERDOWN Hash slot not served", Kind::Unavailable),
            ("NOAUTH Authentication required.", Kind::Unauthenticated),
            ("NOPERM this user has no permissions to run the 'set' command", Kind::Refused),
            ("MOVED 3999 127.0.0.1:6381", Kind::Refused),
            ("ERR unknown command 'SETX'", Kind::Refused),
            ("SOMETHING new", Kind::Refused),
        ];
        for (answer, kind) in answers {
            let failure = failure(answer);
            assert_eq!(failure.error.kind(), kind, "{answer}");
            assert!(!failure.may_be_executed, "{answer}: the server has refused it");
        }
    }

    /// Redis 6 puts the error of a command in a script into a text of its own.
    #[test]
    fn code_within_the_text_of_a_script_is_found() {
        let of = |code: &str| {
            format!("ERR Error running script (call to f_2b): @user_script:2: @user_script: 2: -{code} as it says")
        };
        let kinds = [("READONLY", Kind::ReadOnly), ("OOM", Kind::Full), ("WRONGTYPE", Kind::Malformed)];
        for (code, kind) in kinds {
            assert_eq!(failure(&of(code)).error.kind(), kind);
        }
        assert_eq!(failure(&of("ERR")).error.kind(), Kind::Refused);
    }

    #[test]
    fn text_is_the_code_and_the_detail() {
        let error = failure("READONLY You can't write").error;
        assert_eq!(error.to_string(), "storage read_only: READONLY You can't write");
    }
}
