//! The URL of a Redis server, which no log and no error shows with its password.

use std::{borrow::Cow, fmt};

use mainstay_core::{escaped, without_credentials};

/// The URL of a Redis server: `redis://[user][:password@]host[:port][/database]`.
///
/// * `rediss://` is TLS.
/// * `?protocol=resp3` chooses the newer protocol.
/// * `unix:///path?db=0&user=..&pass=..` is a socket.
///
/// `Debug` and `Display` show it without user and password. Serde writes it whole: a file of settings is no log.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct RedisUrl(String);

// === impl RedisUrl ===

impl RedisUrl {
    /// Creates a URL. It is checked where a store is created.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Returns the whole URL, with its password.
    #[must_use]
    pub fn with_credentials(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RedisUrl {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for RedisUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_socket = self.0.contains("unix:");
        let shown = if is_socket { Cow::Borrowed(self.0.as_str()) } else { without_credentials(&self.0) };
        match shown.split_once('?') {
            // The query of a socket's URL contains the password.
            Some((address, query)) if is_socket || !query.starts_with("protocol=") || query.contains('&') => {
                write!(f, "{}?***", escaped(address))
            }
            _ => write!(f, "{}", escaped(shown)),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_not_shown() {
        let cases = [
            ("redis://:hunter2@a:6379/1", "redis://***@a:6379/1"),
            ("rediss://user:hunter2@a?protocol=resp3", "rediss://***@a?protocol=resp3"),
            ("redis://:hunt?er2@a", "redis://***@a"),
            ("redis://:hunter2?user@a", "redis://***@a"),
            ("redis://:pass?pass@a", "redis://***@a"),
            ("unix:///run/redis.sock?user=u&pass=hunter2", "unix:///run/redis.sock?***"),
            ("unix:///run/redis.sock?pass=hun@ter2", "unix:///run/redis.sock?***"),
            ("redis://a?password=hunter2", "redis://a?***"),
            ("redis://a", "redis://a"),
        ];
        for (url, shown) in cases {
            let url = RedisUrl::from(url);
            assert_eq!((url.to_string().as_str(), format!("{url:?}")), (shown, format!("\"{shown}\"")));
        }
    }
}
