//! Moves flat keys of a file to their places in the nested tree.

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
            return Err((node.origin.clone(), InvalidSetting::new(flat.key(), node, allowed)));
        }
        let section = flat.path.rsplit_once('.').and_then(|(section, _)| root.at(section));
        // A section that is no table is an error, which `put` would hide by replacing the section.
        if section.is_none_or(|section| matches!(section.value, Value::Table(_))) {
            node.origin = Origin::FlatKey { flat, line: node.origin.line() };
            node.value = value(flat, node.value);
            root.put(&flat.path(), node);
        }
    }
    Ok(())
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
