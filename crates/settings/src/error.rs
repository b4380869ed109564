//! The error of this crate: which setting is wrong, and where it was written.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use mainstay_core::{InvalidSetting, escaped};

use crate::node::Origin;

/// Settings that could not be read: the file, the line or the variable, the field, its value and what is allowed.
///
/// ```
/// use mainstay_retry::RetrySettings;
/// use mainstay_settings::Sources;
///
/// let error = Sources::toml("[orders.retry]\nmax_atempts = 5")
///     .table("orders.retry")
///     .read(RetrySettings::validate)
///     .unwrap_err();
/// assert_eq!(error.line(), Some(2));
/// assert_eq!(error.setting().map(|setting| setting.field()), Some("orders.retry.max_atempts"));
/// assert!(error.to_string().contains("did you mean max_attempts?"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    file: Option<PathBuf>,
    origin: Origin,
    detail: Detail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Detail {
    /// The source as a whole cannot be read or parsed.
    Message(String),
    Setting(InvalidSetting),
}

// === impl Error ===

impl Error {
    pub(crate) fn message(origin: Origin, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { file: None, origin, detail: Detail::Message(message.into()) }))
    }

    pub(crate) fn invalid(origin: Origin, setting: InvalidSetting) -> Self {
        Self(Box::new(Inner { file: None, origin, detail: Detail::Setting(setting) }))
    }

    pub(crate) fn in_file(mut self, file: Option<&Path>) -> Self {
        self.0.file = file.map(Path::to_owned);
        self
    }

    /// Returns the file that was read, if the source is a file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Returns the line, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.0.origin.line()
    }

    /// Returns the name of the environment variable whose value is wrong.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match &self.0.origin {
            Origin::Variable(name) => Some(name),
            Origin::FlatVariable(flat) => Some(flat.name),
            _ => None,
        }
    }

    /// Returns the setting that is wrong. `None` if the source as a whole cannot be read or parsed.
    #[must_use]
    pub fn setting(&self) -> Option<&InvalidSetting> {
        match &self.0.detail {
            Detail::Setting(setting) => Some(setting),
            Detail::Message(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(Text(self)).fmt(f)
    }
}

/// The text of an error, as files and variables have it.
struct Text<'a>(&'a Error);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        match (&error.0.origin, error.file(), error.line()) {
            (Origin::Variable(name), ..) => write!(f, "{name}: ")?,
            // The name of the variable is the name of the field.
            (Origin::FlatVariable(_), ..) => {}
            (_, Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (_, Some(file), None) => write!(f, "{}: ", file.display())?,
            (_, None, Some(line)) => write!(f, "line {line}: ")?,
            (_, None, None) => {}
        }
        match &error.0.detail {
            Detail::Message(message) => f.write_str(message),
            Detail::Setting(setting) => setting.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// Writes the text of the error.
impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
