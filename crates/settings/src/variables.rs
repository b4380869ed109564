//! The variables of the environment, and their places in the tree.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{
    FlatName, flat,
    misspelt::{self, Misspelt},
    node::{Node, Origin, Value},
};

#[derive(Clone, Default)]
pub(crate) struct Variables {
    /// Variables `PREFIX__FIELD`, by name.
    prefixed: BTreeMap<String, Prefixed>,
    flat: Vec<(&'static FlatName, OsString)>,
    /// Variables that name no setting by their form, each with the prefix that it has.
    strays: Vec<(String, String)>,
    /// All names of the environment, for flat names.
    names: Vec<String>,
}

#[derive(Clone)]
struct Prefixed {
    path: Vec<String>,
    value: OsString,
}

/// The most keys in the path that a variable names.
const MAX_DEPTH: usize = 32;

// === impl Variables ===

impl Variables {
    /// Adds a variable if its name has the prefix and its value is not blank.
    pub(crate) fn add_prefixed(&mut self, prefix: &str, name: OsString, value: OsString) {
        let Ok(name) = name.into_string() else { return };
        let path = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("__"));
        if let Some(path) = path.filter(|_| !is_blank(&value)) {
            let path = path.splitn(MAX_DEPTH, "__").map(str::to_lowercase).collect();
            self.prefixed.insert(name, Prefixed { path, value });
        } else if path.is_none() && name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_')) {
            self.strays.push((prefix.to_owned(), name));
        }
    }

    /// Adds a name that the environment has, so that a misspelt flat name is found.
    pub(crate) fn add_name(&mut self, name: OsString) {
        self.names.extend(name.into_string());
    }

    /// Returns the variables that are probably misspelt.
    pub(crate) fn misspelt<T: DeserializeOwned>(&self, flat_names: &[&'static FlatName]) -> Vec<Misspelt> {
        let prefixed = self.strays.iter().filter_map(|(prefix, name)| misspelt::prefixed::<T>(prefix, name));
        let flat = self.names.iter().filter_map(|name| misspelt::flat(flat_names, name));
        prefixed.chain(flat).collect()
    }

    /// Adds a variable if its value is not blank.
    pub(crate) fn add_flat(&mut self, flat: &'static FlatName, value: OsString) {
        if !is_blank(&value) {
            self.flat.push((flat, value));
        }
    }

    /// Puts the variables into the tree, over what is there.
    ///
    /// # Errors
    /// A value that is not UTF-8.
    pub(crate) fn put_into(&self, tree: &mut Node) -> Result<(), (Origin, InvalidSetting)> {
        for (name, Prefixed { path, value }) in &self.prefixed {
            let origin = Origin::Variable(name.clone());
            let Some(text) = value.to_str() else {
                return Err((origin, InvalidSetting::new(path.join("."), value.display(), "must be UTF-8")));
            };
            tree.put(path, Node { value: Value::Untyped(text.to_owned()), origin });
        }
        for &(flat, ref value) in &self.flat {
            let origin = Origin::FlatVariable(flat);
            let Some(text) = value.to_str() else {
                return Err((origin, InvalidSetting::new(flat.name, value.display(), "must be UTF-8")));
            };
            let value = flat::value(flat, Value::Untyped(text.trim().to_owned()));
            tree.put(&flat.path(), Node { value, origin });
        }
        Ok(())
    }
}

fn is_blank(value: &OsString) -> bool {
    value.to_string_lossy().trim().is_empty()
}

/// Shows names only: values may be secret.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flat = self.flat.iter().map(|(flat, _)| flat.name);
        f.debug_list().entries(self.prefixed.keys()).entries(flat).finish()
    }
}
