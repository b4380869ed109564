//! Parses a document into the tree.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

#[cfg(feature = "json")]
use crate::json;
use crate::{
    Error,
    lines::Lines,
    node::{Node, Origin, Table, Value},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Toml,
    #[cfg(feature = "json")]
    Json,
}

// === impl Format ===

impl Format {
    pub(crate) fn of(file: &Path) -> Result<Self, Error> {
        let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("toml") => Ok(Self::Toml),
            #[cfg(feature = "json")]
            Some("json") => Ok(Self::Json),
            #[cfg(feature = "json")]
            _ => Err(Error::message(Origin::Unknown, "the name of a settings file must end in .toml or .json")),
            #[cfg(not(feature = "json"))]
            _ => Err(Error::message(Origin::Unknown, "the name of a settings file must end in .toml")),
        }
    }

    pub(crate) fn parse(self, text: &str) -> Result<Node, Error> {
        match self {
            Self::Toml => toml(text),
            #[cfg(feature = "json")]
            Self::Json => json::parse(text),
        }
    }
}

fn toml(text: &str) -> Result<Node, Error> {
    let lines = Lines::of(text);
    let line = |offset: usize| lines.at(offset);
    let parsed = DeTable::parse(text).map_err(|error| {
        let origin = error.span().map_or(Origin::Unknown, |span| line(span.start));
        Error::message(origin, format!("not TOML: {}", error.message()))
    })?;
    let start = parsed.span().start;
    Ok(Node { value: Value::Table(toml_table(parsed.into_inner(), &line)), origin: line(start) })
}

fn toml_table(table: DeTable<'_>, line: &dyn Fn(usize) -> Origin) -> Table {
    let node = |(key, value): (Spanned<_>, Spanned<_>)| {
        let origin = line(key.span().start);
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        (key.into_owned(), Node { value: toml_value(value.into_inner(), line), origin })
    };
    table.into_iter().map(node).collect()
}

fn toml_value(value: DeValue<'_>, line: &dyn Fn(usize) -> Origin) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        // A number that no type can hold stays text, so that the error of its field shows it as it was written.
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => {
            let node = |item: Spanned<DeValue<'_>>| {
                let origin = line(item.span().start);
                Node { value: toml_value(item.into_inner(), line), origin }
            };
            Value::List(items.into_iter().map(node).collect())
        }
        DeValue::Table(table) => Value::Table(toml_table(table, line)),
    }
}
