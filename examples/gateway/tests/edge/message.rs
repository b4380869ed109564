//! A message as it was read from a socket.
//!
//! Bytes are kept as text in which each character is one byte (ISO 8859-1), so that rows can state any byte.

use std::{fmt, time::Duration};

/// Longer than any step of a row takes, even on a busy machine.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    /// The request line, or the status line. HTTP/2 has `HTTP/2 STATUS`.
    pub(crate) line: String,
    /// Names are in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) end: End,
}

/// How a message ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum End {
    #[default]
    Whole,
    /// The connection or the stream ended before the message.
    Cut(String),
    /// The message breaks the rules of HTTP.
    Malformed(String),
}

/// Returns the text whose characters are these bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Returns the bytes of such a text.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).expect("one byte for each character")).collect()
}

// === impl Message ===

impl Message {
    pub(crate) fn values<'a>(&'a self, name: &str) -> Vec<&'a str> {
        values(&self.fields, name)
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn is_interim(&self) -> bool {
        self.status().is_some_and(|status| (100..200).contains(&status) && status != 101)
    }
}

pub(crate) fn values<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "      {}", self.line.escape_debug())?;
        for (name, value) in &self.fields {
            writeln!(f, "      {}: {}", name.escape_debug(), value.escape_debug())?;
        }
        let body: String = self.body.chars().take(300).collect();
        writeln!(f, "      body of {}: \"{}\"", self.body.len(), body.escape_debug())?;
        for (name, value) in &self.trailers {
            writeln!(f, "      trailer {name}: {}", value.escape_debug())?;
        }
        write!(f, "      end: {:?}", self.end)
    }
}
