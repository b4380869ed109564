//! Reads and writes settings that can be off, for serde's `with`.
//!
//! TOML has no null, and a missing field means the default. A setting whose default is on and that is off must therefore
//! be written as a value: `"off"`. It is read from text in every format, within flattened structs too; `null` is read
//! where a format has it.
//!
//! `mainstay-settings` reads `"off"` as `None` for the fields that are marked, and for no other: the text of an
//! `Option<String>` may be `off`. A duration has the form of [`duration`]:
//!
//! ```
//! use std::time::Duration;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Deserialize, PartialEq, Serialize)]
//! #[serde(default)]
//! struct Settings {
//!     #[serde(with = "mainstay_core::settings::or_off")]
//!     limit: Option<u32>,
//!     #[serde(with = "mainstay_core::settings::or_off::duration")]
//!     idle: Option<Duration>,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { limit: Some(64), idle: Some(Duration::from_secs(30)) }
//!     }
//! }
//!
//! let settings: Settings = serde_json::from_str(r#"{ "limit": "off", "idle": "1m 30s" }"#)?;
//! assert_eq!(settings, Settings { limit: None, idle: Some(Duration::from_secs(90)) });
//! let unlimited = Settings { idle: None, ..settings };
//! assert_eq!(serde_json::to_string(&unlimited)?, r#"{"limit":"off","idle":"off"}"#);
//! # Ok::<_, serde_json::Error>(())
//! ```

use std::{fmt, marker::PhantomData, time::Duration};

use humantime_serde::Serde;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor, value},
};

/// The text of a setting that is off.
pub const OFF: &str = "off";

/// The name under which a value is read that may be off. `mainstay-settings` reads it itself.
#[doc(hidden)]
pub const OR_OFF: &str = "mainstay_core::settings::or_off";

/// Writes `None` as `"off"`.
///
/// # Errors
/// The serializer fails.
pub fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        None if serializer.is_human_readable() => serializer.serialize_str(OFF),
        Some(value) if serializer.is_human_readable() => value.serialize(serializer),
        value => value.serialize(serializer),
    }
}

/// Reads `"off"` and null as `None`.
///
/// # Errors
/// The value is neither off nor one of the type.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match deserializer.is_human_readable() {
        true => deserializer.deserialize_newtype_struct(OR_OFF, OrOff(PhantomData)),
        false => Option::deserialize(deserializer),
    }
}

/// The same for durations, which are written as `"250ms"`: `#[serde(with = "mainstay_core::settings::or_off::duration")]` on
/// an `Option<Duration>`. There is an example at [`or_off`](super::or_off).
pub mod duration {
    use super::{Deserializer, Duration, Serde, Serializer};

    /// Writes `None` as `"off"`.
    ///
    /// # Errors
    /// The serializer fails.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(&value.as_ref().map(Serde::from), serializer)
    }

    /// Reads `"off"` and null as `None`.
    ///
    /// # Errors
    /// The value is neither off nor a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(super::deserialize::<Serde<Duration>, D>(deserializer)?.map(Serde::into_inner))
    }
}

struct OrOff<T>(PhantomData<T>);

/// Reads a value that was visited as one of `T`.
macro_rules! visit {
    ($($method:ident: $value:ty),*) => {
        $(fn $method<E: Error>(self, value: $value) -> Result<Self::Value, E> {
            T::deserialize(IntoDeserializer::<E>::into_deserializer(value)).map(Some)
        })*
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrOff<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value, or \"{OFF}\"")
    }

    visit! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64 }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            OFF => Ok(None),
            text => T::deserialize(IntoDeserializer::<E>::into_deserializer(text)).map(Some),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(value::MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::deserialize(value::SeqAccessDeserializer::new(seq)).map(Some)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// Of a deserializer that has seen that the value is not off.
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::deserialize(deserializer).map(Some)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}
