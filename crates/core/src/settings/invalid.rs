//! An invalid setting.

use std::{error::Error, fmt};

use crate::{escaped, without_credentials};

/// An invalid setting: the field, its value, and the allowed range.
///
/// ```
/// use mainstay_core::settings;
///
/// let error = settings::rate("failure_rate", 1.5).unwrap_err();
/// assert_eq!(error.to_string(), "failure_rate = 1.5: must be above 0 and at most 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    owner: Option<String>,
    field: String,
    value: String,
    allowed: String,
    /// The setting that the allowed range depends on.
    bound: Option<String>,
}

// === impl InvalidSetting ===

impl InvalidSetting {
    /// Creates an error from the field's name, its value as the user wrote it, and the allowed range (`must be ..`). The
    /// user and password of a URL are not kept.
    pub fn new(field: impl Into<String>, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self {
            owner: None,
            field: field.into(),
            value: without_credentials(&value.to_string()).into_owned(),
            allowed: allowed.into(),
            bound: None,
        }
    }

    /// Names the setting that the allowed range depends on, as a path beside the field: of two settings that contradict
    /// each other, the file may have only this one.
    #[must_use]
    pub fn bounded_by(mut self, setting: impl Into<String>) -> Self {
        self.bound = Some(setting.into());
        self
    }

    /// Returns the field, with the path to it in nested settings (`breaker.failure_rate`).
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the invalid value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns the allowed range, in words.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }

    /// Returns the setting that the allowed range depends on, with the path to it.
    #[must_use]
    pub fn bound(&self) -> Option<&str> {
        self.bound.as_deref()
    }

    /// Sets the name of the handle that was to be created with this setting, unless it is set. Errors start with it.
    #[must_use]
    pub fn of(mut self, owner: &str) -> Self {
        self.owner.get_or_insert_with(|| owner.to_owned());
        self
    }

    /// Returns the name of the handle that was to be created with this setting.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Prefixes the field with the name of the settings that contain it: `prefix.field`.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = format!("{prefix}.{}", self.field);
        self.bound = self.bound.map(|bound| format!("{prefix}.{bound}"));
        self
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(owner) = &self.owner {
            write!(f, "{}: ", escaped(owner))?;
        }
        write!(f, "{} = {}: {}", escaped(&self.field), escaped(&self.value), escaped(&self.allowed))
    }
}

impl Error for InvalidSetting {}
