//! The document that settings are read from: a file, a text, or none.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    format::Format,
    node::{Node, Origin},
};

#[derive(Clone, Default)]
pub(crate) enum Document {
    #[default]
    None,
    Text(Format, String),
    File(PathBuf),
}

/// The largest settings file, in bytes. A larger one is rejected: it may be a device or a log.
const MAX_BYTES: u64 = 1 << 20;

// === impl Document ===

impl Document {
    /// Returns the file, if the document is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Result<String, Error> {
        let file = match self {
            Self::None => return Ok(String::new()),
            Self::Text(_, text) => return Ok(text.clone()),
            Self::File(file) => file,
        };
        let mut text = String::new();
        let read = File::open(file).and_then(|open| open.take(MAX_BYTES + 1).read_to_string(&mut text));
        let fault = match read {
            Ok(length) if length as u64 <= MAX_BYTES => return Ok(text),
            Ok(_) => "is longer than 1 MiB".to_owned(),
            Err(error) => format!("can't be read: {error}"),
        };
        Err(Error::message(Origin::Unknown, fault).in_file(Some(file)))
    }

    /// Parses a text that [`text`](Self::text) returned. `None` if there is no document.
    pub(crate) fn parse(&self, text: &str) -> Result<Option<Node>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Text(format, _) => format.parse(text).map(Some),
            Self::File(file) => Format::of(file)?.parse(text).map(Some),
        }
    }
}

/// Shows the file only: its content may be secret.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.path()).finish()
    }
}
