//! serde over the tree.
//!
//! Not toml's and serde_json's own deserializers, because file and environment must be one tree before a field is
//! asked for its type, and errors must know the place in it.

use mainstay_core::InvalidSetting;
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
        VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::{
    node::{Node, Origin, Table, Value},
    wrong::Wrong,
};

/// Reads settings of a tree.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> Result<T, (Origin, InvalidSetting)> {
    T::deserialize(Reader(root)).map_err(|wrong| wrong.into_setting(root))
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

struct Choice<'a> {
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

    /// A number of the environment is one for fields that want one.
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Value::Untyped(text) = &self.0.value else { return self.deserialize_any(visitor) };
        match (text.trim().parse(), text.trim().parse()) {
            (Ok(whole), _) => integer(whole, visitor),
            (_, Ok(number)) => visitor.visit_f64(number),
            _ => visitor.visit_str(text),
        }
    }
}

fn integer<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, Wrong> {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => visitor.visit_i128(number),
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => integer(*number, visitor),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Self::items(items)),
            Value::Table(table) => visitor.visit_map(Self::fields(table)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0.value {
            Value::Untyped(text) => match text.trim().parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => visitor.visit_str(text),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.is_off() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self).map_err(Wrong::or_off),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
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
    ) -> Result<V::Value, Wrong> {
        match &self.0.value {
            Value::Text(text) | Value::Untyped(text) => {
                let name: StrDeserializer<'_, Wrong> = text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Table(table) => match (table.len(), table.first_key_value()) {
                (1, Some((name, node))) => visitor.visit_enum(Choice { name, node }),
                _ => Err(Wrong::custom(format!("must have exactly one of {}", known.join(", ")))),
            },
            _ => Err(Wrong::custom(format!("must be one of {}", known.join(", ")))),
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
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.value = self.rest.next();
        let Some((key, node)) = self.value else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|wrong| wrong.at(node).under(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let Some((key, node)) = self.value.take() else { return Err(Wrong::custom("a value without a key")) };
        seed.deserialize(Reader(node)).map_err(|wrong| wrong.at(node).under(key))
    }
}

// === impl Items ===

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((index, node)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Reader(node)).map(Some).map_err(|wrong| wrong.at(node).under(&index.to_string()))
    }
}

// === impl Choice ===

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Wrong> {
        let name: StrDeserializer<'_, Wrong> = self.name.into_deserializer();
        match seed.deserialize(name) {
            Ok(value) => Ok((value, self)),
            Err(wrong) => Err(wrong.at(self.node).under(self.name)),
        }
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match &self.node.value {
            Value::Table(table) if table.is_empty() => Ok(()),
            _ => Err(Wrong::custom(format!("must be written as \"{}\"", self.name)).at(self.node).under(self.name)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(Reader(self.node)).map_err(|wrong| wrong.at(self.node).under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        Reader(self.node).deserialize_any(visitor).map_err(|wrong| wrong.at(self.node).under(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        Reader(self.node).deserialize_any(visitor).map_err(|wrong| wrong.at(self.node).under(self.name))
    }
}
