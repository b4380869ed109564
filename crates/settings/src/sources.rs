//! Where settings come from.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{
    Error,
    format::Format,
    node::{Node, Origin, Value},
    reader,
};

/// Where settings come from: a file or a text, and variables of the environment that go over it.
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
#[derive(Clone)]
pub struct Sources {
    input: Input,
    table: Vec<String>,
    variables: BTreeMap<String, Variable>,
}

#[derive(Clone)]
enum Input {
    Nothing,
    Text(Format, String),
    File(PathBuf),
}

#[derive(Clone)]
struct Variable {
    path: Vec<String>,
    value: OsString,
}

/// The longest file of settings. One that is longer is something else: a device, a log.
const LONGEST: u64 = 1 << 20;

/// The deepest path that a variable may name.
const DEEPEST: usize = 32;

// === impl Sources ===

impl Sources {
    /// Nothing: the defaults, and what variables say.
    #[must_use]
    pub fn none() -> Self {
        Self::from(Input::Nothing)
    }

    /// A file, `.toml` or (with feature `json`) `.json`, read anew each time: up to 1 MiB of UTF-8.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self::from(Input::File(file.into()))
    }

    /// A text in TOML.
    #[must_use]
    pub fn toml(text: impl Into<String>) -> Self {
        Self::from(Input::Text(Format::Toml, text.into()))
    }

    /// A text in JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self::from(Input::Text(Format::Json, text.into()))
    }

    /// Only this table of it (`stack`, or `stack.orders`); what else is there is not looked at. A file without it is
    /// wrong, so that a mistyped name is not taken for "all defaults".
    #[must_use]
    pub fn table(mut self, path: &str) -> Self {
        self.table = path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        self
    }

    /// Over it, the variables `PREFIX__FIELD` that the environment has now.
    #[must_use]
    pub fn environment(self, prefix: &str) -> Self {
        self.variables(prefix, std::env::vars_os())
    }

    /// Over it, the variables `PREFIX__FIELD` among these.
    #[must_use]
    pub fn variables<N, V>(mut self, prefix: &str, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        for (name, value) in variables {
            let (Ok(name), value) = (name.into().into_string(), value.into()) else { continue };
            let path = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("__"));
            if let Some(path) = path.filter(|_| !value.to_string_lossy().trim().is_empty()) {
                let path = path.splitn(DEEPEST, "__").map(str::to_lowercase).collect();
                self.variables.insert(name, Variable { path, value });
            }
        }
        self
    }

    /// Reads the settings; the argument checks them, as `RetrySettings::validate` does.
    ///
    /// # Errors
    /// A file that can't be read or parsed, a setting that does not exist, or one with a wrong value.
    pub fn read<T: DeserializeOwned>(
        &self,
        validate: impl FnOnce(&T) -> Result<(), InvalidSetting>,
    ) -> Result<T, Error> {
        let tree = self.tree(&self.text()?)?;
        let settings = self.settings(&tree)?;
        validate(&settings).map_err(|wrong| self.locate(&tree, wrong))?;
        Ok(settings)
    }

    /// The file, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.input {
            Input::File(file) => Some(file),
            _ => None,
        }
    }

    /// What is written.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let file = match &self.input {
            Input::Nothing => return Ok(String::new()),
            Input::Text(_, text) => return Ok(text.clone()),
            Input::File(file) => file,
        };
        let mut text = String::new();
        let read = File::open(file).and_then(|open| open.take(LONGEST + 1).read_to_string(&mut text));
        let wrong = match read {
            Ok(length) if length as u64 <= LONGEST => return Ok(text),
            Ok(_) => "is longer than 1 MiB".to_owned(),
            Err(error) => format!("can't be read: {error}"),
        };
        Err(Error::text(Origin::Unknown, wrong).in_file(Some(file)))
    }

    /// What it says, with the variables over it: the table's content.
    pub(crate) fn tree(&self, text: &str) -> Result<Node, Error> {
        let mut tree = self.parse(text).map_err(|error| error.in_file(self.path()))?;
        for (name, Variable { path, value }) in &self.variables {
            let origin = Origin::Variable(name.clone());
            let Some(value) = value.to_str() else {
                let setting = InvalidSetting::new(path.join("."), value.display(), "must be UTF-8");
                return Err(Error::of(origin, self.within_table(setting)));
            };
            tree.put(path, Node { value: Value::Untyped(value.to_owned()), origin });
        }
        Ok(tree)
    }

    fn parse(&self, text: &str) -> Result<Node, Error> {
        let root = match &self.input {
            Input::Nothing => return Ok(Node::table()),
            Input::Text(format, _) => format.parse(text)?,
            Input::File(file) => Format::of(file)?.parse(text)?,
        };
        let missing = || Error::text(Origin::Unknown, format!("there is no table [{}]", self.table.join(".")));
        let table = self.table.iter().try_fold(&root, |node, key| node.child(key)).ok_or_else(missing)?;
        match &table.value {
            Value::Table(_) => Ok(table.clone()),
            _ => {
                let setting = InvalidSetting::new(self.table.join("."), table, "must be a table");
                Err(Error::of(table.origin.clone(), setting))
            }
        }
    }

    pub(crate) fn settings<T: DeserializeOwned>(&self, tree: &Node) -> Result<T, Error> {
        reader::read(tree).map_err(|(origin, wrong)| Error::of(origin, self.within_table(wrong)).in_file(self.path()))
    }

    /// Where a value stands that its owner refused.
    pub(crate) fn locate(&self, tree: &Node, wrong: InvalidSetting) -> Error {
        let origin = tree.at(wrong.field()).map_or(Origin::Unknown, |node| node.origin.clone());
        Error::of(origin, self.within_table(wrong)).in_file(self.path())
    }

    fn within_table(&self, wrong: InvalidSetting) -> InvalidSetting {
        match self.table.as_slice() {
            [] => wrong,
            table => wrong.within(&table.join(".")),
        }
    }
}

impl From<Input> for Sources {
    fn from(input: Input) -> Self {
        Self { input, table: Vec::new(), variables: BTreeMap::new() }
    }
}

/// Names only: values are for errors, where somebody has to see them.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.path())
            .field("table", &self.table.join("."))
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
