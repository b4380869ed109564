//! What flat names mean for the nested tree: flat keys are moved, defaults added, errors told by the name as written.

use mainstay_core::InvalidSetting;

use crate::{
    FlatName,
    node::{Node, Origin, Value},
};

/// Moves each flat key of the root to its nested path.
///
/// # Errors
/// A setting that the file gives by both names. Neither can be preferred, because a table has no order.
pub(crate) fn nest(root: &mut Node, names: &[&'static FlatName]) -> Result<(), (Origin, InvalidSetting)> {
    for &flat in names {
        let Value::Table(table) = &mut root.value else { return Ok(()) };
        let Some(mut node) = table.remove(&flat.key()) else { continue };
        if root.at(flat.path).is_some() {
            let allowed = format!("must be left out: {} is given too, and is the same setting", flat.path);
            return Err((node.origin.clone(), InvalidSetting::new(flat.key(), node.as_written(), allowed)));
        }
        if is_table(root, flat) {
            node.origin = Origin::FlatKey { flat, line: node.origin.line() };
            node.value = value(flat, node.value);
            root.put(&flat.path(), node);
        }
    }
    Ok(())
}

/// Puts the default of each setting that is not given.
pub(crate) fn put_defaults(root: &mut Node, names: &[&'static FlatName]) {
    for &flat in names.iter().filter(|flat| !flat.default.is_empty()) {
        if is_table(root, flat) && root.at(flat.path).is_none() {
            let value = value(flat, Value::Untyped(flat.default.to_owned()));
            root.put(&flat.path(), Node { value, origin: Origin::Unknown });
        }
    }
}

/// Whether the section of a setting is a table, or absent. A section of another type is an error, which `Node::put`
/// would hide by replacing the section.
fn is_table(root: &Node, flat: &FlatName) -> bool {
    let section = flat.path.rsplit_once('.').and_then(|(section, _)| root.at(section));
    section.is_none_or(|section| matches!(section.value, Value::Table(_)))
}

/// Finds the origin of a setting that failed a check of the settings as a whole, and its value as it was written. A setting
/// that was given by a flat name keeps that name. One that was not given gets both names, its value is marked as the
/// default, and its origin is that of the setting that bounds it.
pub(crate) fn locate(tree: &Node, wrong: InvalidSetting, names: &[&'static FlatName]) -> (Origin, InvalidSetting) {
    let (origin, name, value) = match tree.at(wrong.field()) {
        Some(node) => match node.origin.flat() {
            Some((_, name)) => (node.origin.clone(), name, node.to_string()),
            None if node.is_scalar() => (node.origin.clone(), wrong.field().to_owned(), node.as_written()),
            None => return (node.origin.clone(), wrong),
        },
        None => {
            let flat = names.iter().find(|flat| flat.path == wrong.field());
            let name = flat.map_or_else(|| wrong.field().to_owned(), |flat| format!("{} ({})", flat.path, flat.name));
            let value = match wrong.value() {
                missing @ "(not set)" => missing.to_owned(),
                value => format!("{value} (default)"),
            };
            let bound = wrong.bound().and_then(|bound| tree.at(bound));
            (bound.map_or(Origin::Unknown, |bound| bound.origin.nested()), name, value)
        }
    };
    (origin, InvalidSetting::new(name, value, wrong.allowed()))
}

/// Returns a value as it is read under a flat name: scalars are text, as they are in the environment.
pub(crate) fn value(flat: &FlatName, value: Value) -> Value {
    let text = match value {
        Value::Text(text) | Value::Untyped(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => return other,
    };
    match flat.name.ends_with("_SECONDS") {
        true => Value::Seconds(text),
        false => Value::Untyped(text),
    }
}
