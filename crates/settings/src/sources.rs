//! The sources of settings, and the reading from them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{
    Error, FlatName,
    document::Document,
    flat,
    format::Format,
    node::{Node, Origin, Value},
    read_error::ReadError,
    reader,
    variables::Variables,
};

/// The sources of settings: a file or a text, and variables of the environment, which win over it.
///
/// ```
/// use mainstay_bulkhead::LimitSettings;
/// use mainstay_settings::Sources;
///
/// // In a program: Sources::file("orders.toml").table("limit").environment("ORDERS_LIMIT")
/// let sources = Sources::toml("[limit]\nlimit = 64\nqueue = 32")
///     .table("limit")
///     .variables("ORDERS_LIMIT", [("ORDERS_LIMIT__MAX_WAIT", "250ms"), ("PATH", "/bin")]);
/// let settings = sources.read(LimitSettings::validate)?;
/// assert_eq!((settings.limit, settings.max_wait.unwrap().as_millis()), (64, 250));
///
/// let wrong = sources.variables("ORDERS_LIMIT", [("ORDERS_LIMIT__LIMIT", "0")]);
/// let error = wrong.read(LimitSettings::validate).unwrap_err();
/// assert_eq!(error.to_string(), "ORDERS_LIMIT__LIMIT: limit.limit = 0: must be 1 to 1000000");
/// # Ok::<_, mainstay_settings::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sources {
    document: Document,
    table: Vec<String>,
    variables: Variables,
    flat_names: Vec<&'static FlatName>,
}

/// The most errors that [`Sources::read_all`] returns.
const MAX_ERRORS: usize = 50;

// === impl Sources ===

impl Sources {
    /// No document: the defaults, and variables over them.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A file, `.toml` or (with feature `json`) `.json`, of up to 1 MiB of UTF-8. Each reading opens it again.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { document: Document::File(file.into()), ..Self::default() }
    }

    /// A text in TOML.
    #[must_use]
    pub fn toml(text: impl Into<String>) -> Self {
        Self { document: Document::Text(Format::Toml, text.into()), ..Self::default() }
    }

    /// A text in JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self { document: Document::Text(Format::Json, text.into()), ..Self::default() }
    }

    /// Reads this table of the document (`stack`, or `stack.orders`) and ignores the rest. A document without the table
    /// is an error, so that a mistyped name does not mean "all defaults".
    #[must_use]
    pub fn table(mut self, path: &str) -> Self {
        self.table = path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        self
    }

    /// Adds the variables `PREFIX__FIELD` that the environment has now. They win over the document.
    #[must_use]
    pub fn environment(self, prefix: &str) -> Self {
        self.variables(prefix, std::env::vars_os())
    }

    /// Adds the variables `PREFIX__FIELD` among these. They win over the document.
    #[must_use]
    pub fn variables<N, V>(mut self, prefix: &str, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        for (name, value) in variables {
            self.variables.add_prefixed(prefix, name.into(), value.into());
        }
        self
    }

    /// Adds flat names: keys at the top of the table that is read, and the variables that the environment has now.
    ///
    /// A flat variable wins over the document and over `PREFIX__FIELD`. An empty one counts as not set.
    #[must_use]
    pub fn flat_names(self, names: impl IntoIterator<Item = &'static FlatName>) -> Self {
        self.flat_names_from(names, |name| std::env::var_os(name))
    }

    /// Adds flat names as [`flat_names`](Self::flat_names) does, with variables that the closure returns.
    #[must_use]
    pub fn flat_names_from(
        mut self,
        names: impl IntoIterator<Item = &'static FlatName>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        for flat in names {
            self.flat_names.push(flat);
            if let Some(value) = variable(flat.name) {
                self.variables.add_flat(flat, value);
            }
        }
        self
    }

    /// Reads the settings; the argument checks them, as `RetrySettings::validate` does.
    ///
    /// # Errors
    /// The first fault: a file that can't be read or parsed, a setting that does not exist, or one with a wrong value.
    pub fn read<T: DeserializeOwned>(
        &self,
        validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
    ) -> Result<T, Error> {
        let tree = self.tree(&self.text()?)?;
        let settings = self.settings(&tree)?;
        validate(&settings).map_err(|wrong| self.locate(&tree, wrong))?;
        Ok(settings)
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

    /// Returns the file, if the document is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.document.path()
    }

    /// Returns the text of the document.
    pub(crate) fn text(&self) -> Result<String, Error> {
        self.document.text()
    }

    /// Returns the content of the table, with the variables over it.
    pub(crate) fn tree(&self, text: &str) -> Result<Node, Error> {
        let mut tree = self.parse(text).map_err(|error| error.in_file(self.path()))?;
        let nested = flat::nest(&mut tree, &self.flat_names);
        nested
            .and_then(|()| self.variables.put_into(&mut tree))
            .map_err(|(origin, wrong)| self.error(origin, wrong))?;
        Ok(tree)
    }

    fn parse(&self, text: &str) -> Result<Node, Error> {
        let Some(root) = self.document.parse(text)? else { return Ok(Node::table()) };
        let missing = || Error::message(Origin::Unknown, format!("there is no table [{}]", self.table.join(".")));
        let table = self.table.iter().try_fold(&root, |node, key| node.child(key)).ok_or_else(missing)?;
        match &table.value {
            Value::Table(_) => Ok(table.clone()),
            _ => {
                let setting = InvalidSetting::new(self.table.join("."), table, "must be a table");
                Err(Error::invalid(table.origin.clone(), setting))
            }
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

    fn unreadable(&self, error: ReadError, tree: &Node) -> Error {
        let (origin, setting) = error.into_setting(tree);
        self.error(origin, setting)
    }

    /// Adds the place to the error of a value that passed the deserializer and failed the check of the settings.
    pub(crate) fn locate(&self, tree: &Node, wrong: InvalidSetting) -> Error {
        let (origin, wrong) = flat::locate(tree, wrong, &self.flat_names);
        self.error(origin, wrong)
    }

    /// Adds the file, and the table unless the setting has a flat name.
    fn error(&self, origin: Origin, wrong: InvalidSetting) -> Error {
        let setting = match self.table.as_slice() {
            table if !table.is_empty() && origin.flat().is_none() => wrong.within(&table.join(".")),
            _ => wrong,
        };
        Error::invalid(origin, setting).in_file(self.path())
    }
}
