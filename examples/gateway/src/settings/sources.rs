//! Where settings come from: the environment, or else the file.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use mainstay_core::InvalidSetting;

use super::fields::{FIELDS, Field};

/// The text of every setting that somebody set, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    given: BTreeMap<&'static str, String>,
    wrong: Vec<InvalidSetting>,
}

// === impl Sources ===

impl Sources {
    /// Adds a TOML file: flat, with the names of the environment in lower case. Any other name is an error, for it
    /// is a misspelt one.
    #[must_use]
    pub(crate) fn with_file(mut self, path: &Path) -> Self {
        let table = fs::read_to_string(path)
            .map_err(|error| format!("must be a file that can be read: {error}"))
            .and_then(|text| text.parse::<toml::Table>().map_err(|error| format!("must be TOML: {error}")));
        match table {
            Ok(table) => table.iter().for_each(|(key, value)| self.entry(key, value)),
            Err(allowed) => self.wrong.push(InvalidSetting::new("--config", path.display(), allowed.trim_end())),
        }
        self
    }

    fn entry(&mut self, key: &str, value: &toml::Value) {
        match FIELDS.iter().find(|field| field.name.to_ascii_lowercase() == key) {
            Some(Field { name, allowed, .. }) => match as_text(value) {
                Some(text) => drop(self.given.insert(name, text)),
                None => self.wrong.push(InvalidSetting::new(*name, value, format!("must be {allowed}"))),
            },
            None => self.wrong.push(InvalidSetting::new(key, value, "must be a setting that --help lists")),
        }
    }

    /// Adds the environment, over what is there. An empty variable counts as not set, as compose files have it.
    #[must_use]
    pub(crate) fn with_environment(mut self, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        for Field { name, allowed, .. } in FIELDS {
            match variable(name).map(OsString::into_string) {
                Some(Ok(text)) if text.trim().is_empty() => {}
                Some(Ok(text)) => drop(self.given.insert(name, text)),
                Some(Err(raw)) => {
                    self.wrong.push(InvalidSetting::new(*name, raw.display(), format!("must be {allowed}")));
                }
                None => {}
            }
        }
        self
    }

    /// Sets a field, if somebody gave it a value and the value is right.
    pub(super) fn set<T>(&mut self, name: &'static str, field: &mut T, parse: impl Fn(&str) -> Option<T>) {
        let Some(text) = self.given.get(name) else { return };
        match parse(text.trim()) {
            Some(value) => *field = value,
            None => {
                let allowed = FIELDS.iter().find(|field| field.name == name).map_or("", |field| field.allowed);
                self.wrong.push(InvalidSetting::new(name, text, format!("must be {allowed}")));
            }
        }
    }

    pub(super) fn into_errors(self) -> Vec<InvalidSetting> {
        self.wrong
    }
}

/// A list may be written as one in a file; the environment has commas for it.
fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            Some(items?.join(","))
        }
        _ => None,
    }
}
