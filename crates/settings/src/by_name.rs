//! Tables of settings by name, whose entries build on each other: `base = "database"`.

use mainstay_core::DEFAULT_SETTINGS;
use serde::de::Error;

use crate::{
    node::{Node, Table, Value},
    read_error::ReadError,
};

/// The key that names the entry that a table builds on.
const BASE: &str = "base";

/// Returns the table with every entry whole: what the entry does not set is that of its base.
///
/// # Errors
/// A base that is no entry of the table, or that leads back to its own entry.
pub(crate) fn resolve(table: &Table) -> Result<Table, ReadError> {
    table.keys().map(|name| Ok((name.clone(), entry(table, name, &mut Vec::new())?))).collect()
}

/// Returns an entry with what its bases set. `path` has the names that lead to it.
fn entry(table: &Table, name: &str, path: &mut Vec<String>) -> Result<Node, ReadError> {
    let Some(node) = table.get(name) else { return Ok(Node::table()) };
    let Value::Table(own) = &node.value else { return Ok(node.clone()) };
    let wrong =
        |allowed: String| Err(ReadError::custom(allowed).at(own.get(BASE).unwrap_or(node)).under(BASE).under(name));
    let base = match own.get(BASE).map(|base| &base.value) {
        None if name == DEFAULT_SETTINGS => return Ok(node.clone()),
        None => DEFAULT_SETTINGS,
        Some(Value::Text(base) | Value::Untyped(base)) if base == DEFAULT_SETTINGS || table.contains_key(base) => base,
        Some(_) => {
            let mut names: Vec<_> = table.keys().map(String::as_str).filter(|known| *known != name).collect();
            if !table.contains_key(DEFAULT_SETTINGS) {
                names.push(DEFAULT_SETTINGS);
            }
            return wrong(format!("must be one of {}", names.join(", ")));
        }
    };
    path.push(name.to_owned());
    if path.iter().any(|passed| passed == base) {
        return wrong(format!("must not lead back to {base}"));
    }
    let base = entry(table, base, path)?;
    let mut own = own.clone();
    own.remove(BASE);
    let all = merged(fields(&base).unwrap_or(&Table::new()), &own);
    Ok(Node { value: Value::Merged { own, all }, origin: node.origin.clone() })
}

fn merged(base: &Table, own: &Table) -> Table {
    let mut all = base.clone();
    for (key, node) in own {
        let both = base.get(key).and_then(fields).zip(fields(node));
        let value = match both {
            Some((base, own)) => Value::Merged { own: own.clone(), all: merged(base, own) },
            None => node.value.clone(),
        };
        all.insert(key.clone(), Node { value, origin: node.origin.clone() });
    }
    all
}

fn fields(node: &Node) -> Option<&Table> {
    match &node.value {
        Value::Table(table) | Value::Merged { all: table, .. } => Some(table),
        _ => None,
    }
}
