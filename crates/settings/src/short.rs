//! Functions that read settings from one source in one call.

use std::path::PathBuf;

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{Error, Sources};

/// Reads settings from TOML; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// The text is not TOML, names a setting that does not exist, or has a wrong value.
pub fn from_toml<T: DeserializeOwned>(
    text: &str,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::toml(text).read(validate)
}

/// Reads settings from JSON; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// The text is not JSON, names a setting that does not exist, or has a wrong value.
#[cfg(feature = "json")]
pub fn from_json<T: DeserializeOwned>(
    text: &str,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::json(text).read(validate)
}

/// Reads settings from a file, `.toml` or `.json`; the second argument checks them, as `RetrySettings::validate` does.
///
/// # Errors
/// The file can't be read or parsed, names a setting that does not exist, or has a wrong value.
pub fn from_file<T: DeserializeOwned>(
    file: impl Into<PathBuf>,
    validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
) -> Result<T, Error> {
    Sources::file(file).read(validate)
}
