//! The parsed document, whatever its format: a tree of values, each with the place where it was written.

use std::{collections::BTreeMap, fmt};

use mainstay_core::without_credentials as shown;

use crate::FlatName;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    #[cfg_attr(not(feature = "json"), expect(dead_code, reason = "TOML and the environment have no null"))]
    Nothing,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// Text that the field's type decides how to read. Variables of the environment are text only.
    Untyped(String),
    /// Text that holds a number of seconds; its field is a duration.
    Seconds(String),
    List(Vec<Node>),
    Table(Table),
    /// An entry of a table of settings by name, with what its base sets. Only the reader makes it.
    Merged {
        /// What the entry sets itself.
        own: Table,
        all: Table,
    },
}

pub(crate) type Table = BTreeMap<String, Node>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Unknown,
    Line(usize),
    Variable(String),
    FlatKey { flat: &'static FlatName, line: Option<usize> },
    FlatVariable(&'static FlatName),
}

// === impl Origin ===

impl Origin {
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Line(line) => Some(*line),
            Self::FlatKey { line, .. } => *line,
            _ => None,
        }
    }

    /// Returns the place for the error of another setting, which the flat name does not name.
    pub(crate) fn nested(&self) -> Self {
        match self {
            Self::FlatKey { line, .. } => line.map_or(Self::Unknown, Self::Line),
            Self::FlatVariable(flat) => Self::Variable(flat.name.to_owned()),
            origin => origin.clone(),
        }
    }

    /// Returns the flat name under which the value was given, and its spelling there.
    pub(crate) fn flat(&self) -> Option<(&'static FlatName, String)> {
        match self {
            Self::FlatKey { flat, .. } => Some((flat, flat.key())),
            Self::FlatVariable(flat) => Some((flat, flat.name.to_owned())),
            _ => None,
        }
    }
}

// === impl Node ===

impl Node {
    pub(crate) fn table() -> Self {
        Self { value: Value::Table(Table::new()), origin: Origin::Unknown }
    }

    /// Whether the value turns its setting off.
    pub(crate) fn is_off(&self) -> bool {
        match &self.value {
            Value::Nothing => true,
            Value::Text(text) | Value::Untyped(text) | Value::Seconds(text) => text == "off",
            _ => false,
        }
    }

    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::List(_) | Value::Table(_) | Value::Merged { .. })
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// Returns the node at `a.b.c`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.child(key))
    }

    /// Puts a value at the end of a path, and replaces what is there.
    pub(crate) fn put(&mut self, path: &[String], leaf: Self) {
        let Some((key, rest)) = path.split_first() else {
            *self = leaf;
            return;
        };
        if !matches!(self.value, Value::Table(_)) {
            *self = Self { value: Value::Table(Table::new()), origin: leaf.origin.clone() };
        }
        if let Value::Table(table) = &mut self.value {
            let empty = || Self { value: Value::Table(Table::new()), origin: leaf.origin.clone() };
            table.entry(key.clone()).or_insert_with(empty).put(rest, leaf);
        }
    }

    /// Removes the node at the end of a path, or the innermost list that contains it. A table that becomes empty goes,
    /// too. Returns whether there was such a node.
    pub(crate) fn remove(&mut self, path: &[String]) -> bool {
        let (Value::Table(table), Some((key, rest))) = (&mut self.value, path.split_first()) else { return false };
        let Some(child) = table.get_mut(key) else { return false };
        let within = matches!(child.value, Value::Table(_)) && !rest.is_empty();
        if within && !child.remove(rest) {
            return false;
        }
        if !within || matches!(&child.value, Value::Table(table) if table.is_empty()) {
            table.remove(key);
        }
        true
    }

    /// Returns the differences to `after`, one `path: before -> after` each, without the passwords of URLs.
    pub(crate) fn changes(&self, after: &Self) -> Vec<String> {
        let (before, after) = (self.leaves(), after.leaves());
        let mut changes = BTreeMap::new();
        for (path, new) in &after {
            match before.get(path) {
                Some(old) if old == new => {}
                Some(old) => drop(changes.insert(path, format!("{path}: {} -> {}", shown(old), shown(new)))),
                None => drop(changes.insert(path, format!("{path}: (default) -> {}", shown(new)))),
            }
        }
        for (path, old) in before.iter().filter(|(path, _)| !after.contains_key(*path)) {
            changes.insert(path, format!("{path}: {} -> (default)", shown(old)));
        }
        changes.into_values().collect()
    }

    fn leaves(&self) -> BTreeMap<String, String> {
        fn collect(node: &Node, path: &str, leaves: &mut BTreeMap<String, String>) {
            let Value::Table(table) = &node.value else {
                leaves.insert(path.to_owned(), node.to_string());
                return;
            };
            for (key, child) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(child, &path, leaves);
            }
        }
        let mut leaves = BTreeMap::new();
        collect(self, "", &mut leaves);
        leaves
    }
}

impl Node {
    /// Returns the value for an error: text of a document in quotes, so that `"5"` is not taken for a number.
    pub(crate) fn as_written(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("\"{text}\""),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Nothing => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Text(text) | Value::Untyped(text) | Value::Seconds(text) => f.write_str(text),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(Self::as_written).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Table(_) | Value::Merged { .. } => f.write_str("(a table)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_url_is_shown_without_its_password() {
        let tree = |url: &str| {
            let mut tree = Node::table();
            tree.put(&["url".to_owned()], Node { value: Value::Text(url.to_owned()), origin: Origin::Unknown });
            tree
        };
        let changes = tree("redis://u:old@a").changes(&tree("redis://u:new@a"));
        assert_eq!(changes, ["url: redis://***@a -> redis://***@a"]);
    }
}
