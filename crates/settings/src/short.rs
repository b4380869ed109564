//! Reading from one place, in one call.

use std::path::PathBuf;

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{Error, Sources};

/// Settings from TOML; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// What is no TOML, no setting, or has a wrong value.
pub fn from_toml<T: DeserializeOwned>(
    text: &str,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::toml(text).read(validate)
}

/// Settings from JSON; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// What is no JSON, no setting, or has a wrong value.
#[cfg(feature = "json")]
pub fn from_json<T: DeserializeOwned>(
    text: &str,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::json(text).read(validate)
}

/// Settings from a file, `.toml` or `.json`; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// What can't be read, is neither, or has a wrong value.
pub fn from_file<T: DeserializeOwned>(
    file: impl Into<PathBuf>,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::file(file).read(validate)
}
