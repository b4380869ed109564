//! The values of facts.

use std::borrow::Cow;

use crate::number::Number;

/// The value of a fact.
///
/// `From` is implemented for `bool`, the integers up to 64 bits, `usize`, `f32`, `f64`, and text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An integer.
    Integer(i128),
    /// A number, possibly with a fraction. NaN compares with nothing.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text, borrowed or owned.
    Text(Cow<'a, str>),
}

// === impl Value ===

impl Value<'_> {
    /// Returns the same value, which borrows its text from this one.
    #[must_use]
    pub fn by_ref(&self) -> Value<'_> {
        match self {
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Float(float) => Value::Float(*float),
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
        }
    }

    /// Returns the same value, which owns its text.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Integer(integer) => Value::Integer(integer),
            Self::Float(float) => Value::Float(float),
            Self::Bool(bool) => Value::Bool(bool),
            Self::Text(text) => Value::Text(text.into_owned().into()),
        }
    }

    pub(crate) fn number(&self) -> Option<Number> {
        match self {
            Self::Integer(integer) => Some(Number::Integer(*integer)),
            Self::Float(float) => Some(Number::Float(*float)),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value<'_> {
            fn from(integer: $integer) -> Self {
                Self::Integer(integer.into())
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl From<usize> for Value<'_> {
    fn from(integer: usize) -> Self {
        Self::Integer(integer as i128)
    }
}

impl From<f64> for Value<'_> {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<f32> for Value<'_> {
    fn from(float: f32) -> Self {
        Self::Float(float.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Number> for Value<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(integer) => Self::Integer(integer),
            Number::Float(float) => Self::Float(float),
        }
    }
}
