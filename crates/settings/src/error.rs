//! What is wrong, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use mainstay_core::InvalidSetting;

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
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text(String),
    Setting(InvalidSetting),
}

// === impl Error ===

impl Error {
    /// Nothing could be read at all.
    pub(crate) fn text(origin: Origin, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { file: None, origin, what: What::Text(message.into()) }))
    }

    pub(crate) fn of(origin: Origin, setting: InvalidSetting) -> Self {
        Self(Box::new(Inner { file: None, origin, what: What::Setting(setting) }))
    }

    pub(crate) fn in_file(mut self, file: Option<&Path>) -> Self {
        self.0.file = file.map(Path::to_owned);
        self
    }

    /// The file, if they came from one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The line, from 1: known for TOML, and for JSON that cannot be parsed.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.0.origin {
            Origin::Line(line) => Some(line),
            _ => None,
        }
    }

    /// The variable of the environment that is wrong.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match &self.0.origin {
            Origin::Variable(name) => Some(name),
            _ => None,
        }
    }

    /// The setting that is wrong; `None` where there are no settings to read.
    #[must_use]
    pub fn setting(&self) -> Option<&InvalidSetting> {
        match &self.0.what {
            What::Setting(setting) => Some(setting),
            What::Text(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { file, origin, what } = &*self.0;
        match (file, origin) {
            (_, Origin::Variable(name)) => write!(f, "{}: ", name.escape_debug())?,
            (Some(file), Origin::Line(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), Origin::Unknown) => write!(f, "{}: ", file.display())?,
            (None, Origin::Line(line)) => write!(f, "line {line}: ")?,
            (None, Origin::Unknown) => {}
        }
        match what {
            What::Text(message) => f.write_str(message),
            What::Setting(setting) => setting.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
