//! A serde deserializer over the tree.
//!
//! The deserializers of toml and serde_json do not fit: file and environment must be one tree before fields are read,
//! and errors must contain the place in it.

use mainstay_core::{BY_NAME, settings::or_off::OR_OFF};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
        VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::{
    by_name,
    node::{Node, Table, Value},
    read_error::ReadError,
    scalar::{duration, integer},
};

/// Reads settings from a tree.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> Result<T, ReadError> {
    T::deserialize(Reader(root))
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Node);

struct Fields<'a> {
    rest: std::collections::btree_map::Iter<'a, String, Node>,
    value: Option<(&'a String, &'a Node)>,
}

struct Items<'a> {
    rest: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

struct Variant<'a> {
    name: &'a str,
    node: &'a Node,
}

// === impl Reader ===

impl Reader<'_> {
    fn fields(table: &Table) -> Fields<'_> {
        Fields { rest: table.iter(), value: None }
    }

    fn items(items: &[Node]) -> Items<'_> {
        Items { rest: items.iter().enumerate() }
    }

    fn variant<'de, V: Visitor<'de>>(table: &Table, known: &[&str], visitor: V) -> Result<V::Value, ReadError> {
        match (table.len(), table.first_key_value()) {
            (1, Some((name, node))) => visitor.visit_enum(Variant { name, node }),
            _ => Err(ReadError::custom(format!("must have exactly one of {}", known.join(", ")))),
        }
    }

    fn is_untyped(&self) -> bool {
        matches!(self.0.value, Value::Untyped(_))
    }

    /// Reads a field of a numeric type, for which untyped text may hold a number.
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Untyped(text) = &self.0.value else { return self.deserialize_any(visitor) };
        match (text.trim().parse(), text.trim().parse()) {
            (Ok(whole), _) => integer(whole, visitor),
            (_, Ok(number)) => visitor.visit_f64(number),
            _ => visitor.visit_str(text),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => integer(*number, visitor),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::Seconds(text) => visitor.visit_str(&duration(text)?),
            Value::List(items) => visitor.visit_seq(Self::items(items)),
            Value::Table(table) | Value::Merged { all: table, .. } => visitor.visit_map(Self::fields(table)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Untyped(text) => match text.trim().parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => visitor.visit_str(text),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Nothing => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match name {
            OR_OFF if self.0.is_off() => visitor.visit_none(),
            OR_OFF => visitor.visit_some(self).map_err(ReadError::or_off),
            BY_NAME => match &self.0.value {
                Value::Table(table) => {
                    let value = Value::Table(by_name::resolve(table)?);
                    visitor.visit_newtype_struct(Reader(&Node { value, origin: self.0.origin.clone() }))
                }
                _ => Err(ReadError::custom("must be a table")),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Untyped(text) = &self.0.value else { return self.deserialize_any(visitor) };
        let item = |part: &str| Node { value: Value::Untyped(part.trim().to_owned()), origin: self.0.origin.clone() };
        let items: Vec<_> = text.split(',').map(item).collect();
        visitor.visit_seq(Self::items(&items))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Text(text) | Value::Untyped(text) => {
                // Variables are often written in capitals.
                let variant = known.iter().find(|known| self.is_untyped() && known.eq_ignore_ascii_case(text));
                let name: StrDeserializer<'_, ReadError> = variant.copied().unwrap_or(text).into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Table(table) => Self::variant(table, known, visitor),
            // A variant replaces that of the base.
            Value::Merged { own, all } => Self::variant(if all.len() == 1 { all } else { own }, known, visitor),
            _ => Err(ReadError::custom(format!("must be one of {}", known.join(", ")))),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

// === impl Fields ===

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.value = self.rest.next();
        let Some((key, node)) = self.value else { return Ok(None) };
        let name: StrDeserializer<'_, ReadError> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(node).under(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let Some((key, node)) = self.value.take() else { return Err(ReadError::custom("a value without a key")) };
        seed.deserialize(Reader(node)).map_err(|error| error.at(node).under(key))
    }
}

// === impl Items ===

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Reader(node)).map(Some).map_err(|error| error.at(node).under(&index.to_string()))
    }
}

// === impl Variant ===

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), ReadError> {
        let name: StrDeserializer<'_, ReadError> = self.name.into_deserializer();
        match seed.deserialize(name) {
            Ok(value) => Ok((value, self)),
            Err(error) => Err(error.at(self.node).under(self.name)),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match &self.node.value {
            Value::Table(table) if table.is_empty() => Ok(()),
            _ => Err(ReadError::custom(format!("must be written as \"{}\"", self.name)).at(self.node).under(self.name)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(Reader(self.node)).map_err(|error| error.at(self.node).under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        Reader(self.node).deserialize_any(visitor).map_err(|error| error.at(self.node).under(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ReadError> {
        Reader(self.node).deserialize_any(visitor).map_err(|error| error.at(self.node).under(self.name))
    }
}
