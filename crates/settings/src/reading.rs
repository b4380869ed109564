//! Reads settings from their sources, and completes the errors.

use mainstay_core::{InvalidSetting, escaped};
use serde::de::DeserializeOwned;

use crate::{
    Error, Sources, flat,
    misspelt::Misspelt,
    node::{Node, Origin},
    read_error::ReadError,
    reader,
};

/// The most errors that [`Sources::read_all`] returns.
const MAX_ERRORS: usize = 50;

// === impl Sources ===

impl Sources {
    /// Reads the settings; the argument checks them, as `RetrySettings::validate` does.
    ///
    /// # Errors
    /// The first fault: a file that can't be read or parsed, a setting that does not exist, or one with a wrong value.
    pub fn read<T: DeserializeOwned>(
        &self,
        validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
    ) -> Result<T, Error> {
        let tree = self.tree(&self.text()?)?;
        self.log_misspelt::<T>();
        match self.deserialize(&tree) {
            Ok(settings) => validate(&settings).map_err(|wrong| self.locate(&tree, wrong)).map(|()| settings),
            Err(error) => Err(self.unreadable(self.with_range(error, &tree, validate), &tree)),
        }
    }

    /// Reads the settings and returns every fault, so that a file is corrected in one go.
    ///
    /// The argument checks the settings as a whole. It is called only if each setting by itself is right: after a
    /// fault the settings contain defaults that a comparison would wrongly blame.
    ///
    /// # Errors
    /// Up to 50 faults, of the kinds that [`read`](Self::read) returns, those of variables first, the others by line.
    pub fn read_all<T: DeserializeOwned>(
        &self,
        validate: impl FnOnce(&T) -> Vec<InvalidSetting>,
    ) -> Result<T, Vec<Error>> {
        let tree = self.text().and_then(|text| self.tree(&text)).map_err(|error| vec![error])?;
        self.log_misspelt::<T>();
        let (mut rest, mut errors) = (tree.clone(), Vec::new());
        // A deserializer stops at the first fault, so the faulty node is removed and the rest read again.
        let settings = loop {
            match self.deserialize(&rest) {
                Ok(settings) => break Some(settings),
                Err(error) => {
                    let path = error.path();
                    errors.push(self.unreadable(error, &rest));
                    if !rest.remove(&path) || errors.len() >= MAX_ERRORS {
                        break None;
                    }
                }
            }
        };
        if let Some(settings) = settings.filter(|_| errors.is_empty()) {
            errors.extend(validate(&settings).into_iter().map(|wrong| self.locate(&tree, wrong)));
            if errors.is_empty() {
                return Ok(settings);
            }
        }
        errors.sort_by_key(Error::line);
        Err(errors)
    }

    /// Returns a warning for each variable that names no setting of `T`, but is near one: `ORDERS_RETRY__MAX_ATTEMPTS`
    /// instead of `ORDERS__RETRY__MAX_ATTEMPTS`, or a flat name with a wrong letter. These are no errors, because other
    /// programs may use the same prefix. [`read`](Self::read) and [`read_all`](Self::read_all) log them; a program that
    /// has no log yet can print them.
    #[must_use]
    pub fn warnings<T: DeserializeOwned>(&self) -> Vec<String> {
        let warning = |Misspelt { name, meant }| {
            format!("the variable {} is not used: did you mean {}?", escaped(name), escaped(meant))
        };
        self.variables.misspelt::<T>(&self.flat_names).into_iter().map(warning).collect()
    }

    fn log_misspelt<T: DeserializeOwned>(&self) {
        for Misspelt { name, meant } in self.variables.misspelt::<T>(&self.flat_names) {
            tracing::warn!(variable = name, did_you_mean = meant, "a variable that looks like a setting is not used");
        }
    }

    /// Replaces the range of a number's type by that of the setting, which the check gives for the type's largest value.
    fn with_range<T: DeserializeOwned>(
        &self,
        error: ReadError,
        tree: &Node,
        validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
    ) -> ReadError {
        let Some(value) = error.largest() else { return error };
        let (path, mut tree) = (error.path(), tree.clone());
        tree.put(&path, Node { value, origin: Origin::Unknown });
        let refused = self.deserialize(&tree).ok().and_then(|settings| validate(&settings).err());
        match refused.filter(|wrong| wrong.field() == path.join(".")) {
            Some(wrong) => error.with_allowed(wrong.allowed()),
            None => error,
        }
    }

    pub(crate) fn settings<T: DeserializeOwned>(&self, tree: &Node) -> Result<T, Error> {
        self.deserialize(tree).map_err(|error| self.unreadable(error, tree))
    }

    fn deserialize<T: DeserializeOwned>(&self, tree: &Node) -> Result<T, ReadError> {
        let mut tree = tree.clone();
        flat::put_defaults(&mut tree, &self.flat_names);
        reader::read(&tree)
    }

    fn unreadable(&self, mut error: ReadError, tree: &Node) -> Error {
        error.suggest(self.flat_names.iter().map(|flat| flat.key()));
        let (origin, setting) = error.into_setting(tree);
        self.error(origin, setting)
    }

    /// Adds the place to the error of a value that passed the deserializer and failed the check of the settings.
    pub(crate) fn locate(&self, tree: &Node, wrong: InvalidSetting) -> Error {
        let (origin, wrong) = flat::locate(tree, wrong, &self.flat_names);
        self.error(origin, wrong)
    }
}
