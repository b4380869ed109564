//! The error of a storage.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use mainstay_core::{InvalidSetting, escaped};

/// Why a call of a storage failed.
///
/// ```
/// use mainstay_store::{StorageError, StorageErrorKind};
///
/// let error = StorageError::new(StorageErrorKind::Unavailable, "the server is loading its data");
/// assert!(error.is_outage());
/// assert_eq!(error.to_string(), "storage unavailable: the server is loading its data");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError {
    kind: StorageErrorKind,
    detail: Cow<'static, str>,
}

/// The kinds of errors of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// There was no answer in time. A write may have been executed.
    Timeout,
    /// There is no connection, it broke, or what the server sends is not its protocol. A write may have been executed if
    /// the connection broke.
    Unreachable,
    /// The server is a read-only replica.
    ReadOnly,
    /// The server answers that it cannot serve now: it loads its data, or cannot write to its disk.
    Unavailable,
    /// The server does not accept the user or the password.
    Unauthenticated,
    /// The storage was not called: it counts as lost until it answers a ping. Only of a
    /// [`RequestPath`](crate::RequestPath).
    Lost,
    /// The storage was closed.
    Closed,
    /// What the key holds is not what was asked for: a log, data of another version, a value that is too long to read.
    Malformed,
    /// The value is longer than the storage keeps.
    TooLarge,
    /// The storage has no room.
    Full,
    /// A key, an expiry or another argument is out of its range.
    Invalid,
    /// The server refuses the command: the user has no permission for it, or the server does not have it.
    Refused,
}

// === impl StorageError ===

impl StorageError {
    /// Creates an error. The detail is shown to operators: it must contain no password.
    pub fn new(kind: StorageErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn timeout(limit: Duration) -> Self {
        Self::new(StorageErrorKind::Timeout, format!("no answer within {limit:?}"))
    }

    pub(crate) fn malformed(key: &str, reason: impl fmt::Display) -> Self {
        Self::new(StorageErrorKind::Malformed, format!("key {:?} {reason}", Shortened(key)))
    }

    pub(crate) fn too_large(bytes: usize, limit: u64) -> Self {
        Self::new(StorageErrorKind::TooLarge, format!("{bytes} bytes, and max_value_bytes is {limit}"))
    }

    pub(crate) fn closed() -> Self {
        Self::new(StorageErrorKind::Closed, "connect opens it again")
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }

    /// Returns the detail, for operators. It may contain text of the server.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns whether the storage as a whole did not work, and not only this call.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        use StorageErrorKind::{ReadOnly, Timeout, Unauthenticated, Unavailable, Unreachable};
        matches!(self.kind, Timeout | Unreachable | ReadOnly | Unavailable | Unauthenticated)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage {}: {}", self.kind, escaped(&self.detail))
    }
}

impl Error for StorageError {}

impl From<InvalidSetting> for StorageError {
    fn from(invalid: InvalidSetting) -> Self {
        Self::new(StorageErrorKind::Invalid, invalid.to_string())
    }
}

// === impl StorageErrorKind ===

mainstay_core::labels! {
    StorageErrorKind:
    Timeout => "timeout",
    Unreachable => "unreachable",
    ReadOnly => "read_only",
    Unavailable => "unavailable",
    Unauthenticated => "unauthenticated",
    Lost => "lost",
    Closed => "closed",
    Malformed => "malformed",
    TooLarge => "too_large",
    Full => "full",
    Invalid => "invalid",
    Refused => "refused",
}

/// The first 64 characters of a text.
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

const SHOWN: usize = 64;

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}..", &self.0[..end]),
            None => fmt::Debug::fmt(self.0, f),
        }
    }
}
