//! What was written, whatever the format: a tree that knows where each value stands.

use std::{collections::BTreeMap, fmt};

/// A value and where it stands.
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
    /// Text whose type is the field's to say: all that the environment knows.
    Untyped(String),
    List(Vec<Node>),
    Table(Table),
}

pub(crate) type Table = BTreeMap<String, Node>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Unknown,
    Line(usize),
    Variable(String),
}

// === impl Node ===

impl Node {
    pub(crate) fn table() -> Self {
        Self { value: Value::Table(Table::new()), origin: Origin::Unknown }
    }

    /// The value is turned off.
    pub(crate) fn is_off(&self) -> bool {
        match &self.value {
            Value::Nothing => true,
            Value::Text(text) | Value::Untyped(text) => text == "off",
            _ => false,
        }
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// The node at `a.b.c`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.child(key))
    }

    /// Puts a value at the end of a path, over what is there.
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

    /// What `after` says differently, one `path: before -> after` each.
    pub(crate) fn changes(&self, after: &Self) -> Vec<String> {
        let (before, after) = (self.leaves(), after.leaves());
        let mut changes = BTreeMap::new();
        for (path, new) in &after {
            match before.get(path) {
                Some(old) if old == new => {}
                Some(old) => drop(changes.insert(path, format!("{path}: {old} -> {new}"))),
                None => drop(changes.insert(path, format!("{path}: (default) -> {new}"))),
            }
        }
        for (path, old) in before.iter().filter(|(path, _)| !after.contains_key(*path)) {
            changes.insert(path, format!("{path}: {old} -> (default)"));
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

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Nothing => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Text(text) | Value::Untyped(text) => f.write_str(text),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Table(_) => f.write_str("(a table)"),
        }
    }
}
