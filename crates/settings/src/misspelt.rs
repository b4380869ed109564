//! Finds variables that are probably misspelt settings.
//!
//! Other programs and orchestrators set variables with the same prefix (`ORDERS_SERVICE_HOST`), so that a name which is
//! near no setting is ignored, and one that is near a setting is a warning.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::{
    FlatName,
    node::{Node, Origin, Value},
    read_error::nearest_to,
    reader,
};

/// The most words of a name that is looked up: the number of paths doubles with each.
const MAX_WORDS: usize = 8;

/// The most letters by which a variable differs from the flat name that is meant.
const MAX_DISTANCE: usize = 2;

/// A variable without a setting, and the variable that is probably meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Misspelt {
    pub(crate) name: String,
    pub(crate) meant: String,
}

/// Returns the variable that is probably meant by a name which has the prefix, but not two underscores after it.
pub(crate) fn prefixed<T: DeserializeOwned>(prefix: &str, name: &str) -> Option<Misspelt> {
    let words: Vec<_> = name.strip_prefix(prefix)?.split('_').filter(|word| !word.is_empty()).collect();
    if words.is_empty() || words.len() > MAX_WORDS {
        return None;
    }
    let paths = (0..1_u32 << (words.len() - 1)).map(|breaks| path(&words, breaks));
    let (_, mut meant) = paths.filter_map(|path| setting_near::<T>(&path)).min()?;
    meant.insert(0, prefix.to_owned());
    Some(Misspelt { name: name.to_owned(), meant: meant.join("__").to_uppercase() })
}

/// Returns the flat name that is probably meant.
pub(crate) fn flat(names: &[&'static FlatName], name: &str) -> Option<Misspelt> {
    let known: BTreeSet<_> = names.iter().map(|flat| flat.name).collect();
    let (distance, meant) = nearest_to(name, known.iter().map(|known| (*known).to_owned()))?;
    (1..=MAX_DISTANCE).contains(&distance).then(|| Misspelt { name: name.to_owned(), meant })
}

/// Joins words to the keys of a path: bit `i` separates the words `i` and `i + 1`.
fn path(words: &[&str], breaks: u32) -> Vec<String> {
    let mut path = vec![words[0].to_lowercase()];
    for (i, word) in words[1..].iter().enumerate() {
        let word = word.to_lowercase();
        match path.last_mut() {
            Some(last) if breaks & (1 << i) == 0 => *last = format!("{last}_{word}"),
            _ => path.push(word),
        }
    }
    path
}

/// Returns the setting at the path, or the one whose last key is nearest, with its distance.
fn setting_near<T: DeserializeOwned>(path: &[String]) -> Option<(usize, Vec<String>)> {
    let (last, section) = path.split_last()?;
    let at = |key: &str| [section, &[key.to_owned()]].concat();
    match look_up::<T>(path) {
        // A type that accepts any key says nothing about this one.
        Found::Setting => (look_up::<T>(&at(&format!("{last}?"))) != Found::Setting).then(|| (0, path.to_vec())),
        Found::Near(distance, meant) => Some((distance, at(&meant))),
        Found::Nothing => None,
    }
}

#[derive(PartialEq)]
enum Found {
    Setting,
    Near(usize, String),
    Nothing,
}

/// Reads a document that has only this setting, and looks at the error.
fn look_up<T: DeserializeOwned>(path: &[String]) -> Found {
    let mut tree = Node::table();
    tree.put(path, Node { value: Value::Untyped(String::new()), origin: Origin::Unknown });
    match reader::read::<T>(&tree) {
        Err(error) if error.is_unknown() && error.path() == path => match error.suggestion() {
            Some((distance, meant)) => Found::Near(distance, meant.to_owned()),
            None => Found::Nothing,
        },
        Err(error) if error.is_unknown() || (error.path() == path && error.expects_table()) => Found::Nothing,
        _ => Found::Setting,
    }
}
