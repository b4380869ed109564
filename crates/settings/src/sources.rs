//! The sources of settings, and the reading from them.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use mainstay_core::InvalidSetting;

use crate::{
    Error, FlatName,
    document::Document,
    flat,
    format::Format,
    node::{Node, Origin, Value},
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
    pub(crate) variables: Variables,
    pub(crate) flat_names: Vec<&'static FlatName>,
}

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
        self.flat_names_among(names, std::env::vars_os())
    }

    /// Adds flat names as [`flat_names`](Self::flat_names) does, with the variables among these. A name of these that is
    /// near a flat name becomes a [warning](Self::warnings).
    #[must_use]
    pub fn flat_names_among<N, V>(
        mut self,
        names: impl IntoIterator<Item = &'static FlatName>,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables: BTreeMap<OsString, OsString> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        for name in variables.keys() {
            self.variables.add_name(name.clone());
        }
        self.flat_names_from(names, |name| variables.get(OsStr::new(name)).cloned())
    }

    /// Adds flat names as [`flat_names`](Self::flat_names) does, with variables that the closure returns. The other names
    /// are not known then, so that no misspelt one is found.
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
                let setting = InvalidSetting::new(self.table.join("."), table.as_written(), "must be a table");
                Err(Error::invalid(table.origin.clone(), setting))
            }
        }
    }

    /// Adds the file, and the table unless the setting has a flat name.
    pub(crate) fn error(&self, origin: Origin, wrong: InvalidSetting) -> Error {
        let setting = match self.table.as_slice() {
            table if !table.is_empty() && origin.flat().is_none() => wrong.within(&table.join(".")),
            _ => wrong,
        };
        Error::invalid(origin, setting).in_file(self.path())
    }
}
