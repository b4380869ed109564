//! Scalars of the tree in the form that fields of settings read.

use std::time::Duration;

use serde::de::{Error as _, Visitor};

use crate::read_error::ReadError;

/// Returns the number of seconds as a duration in the form that fields of settings read.
pub(crate) fn duration(seconds: &str) -> Result<String, ReadError> {
    let time = seconds.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.ok_or_else(|| ReadError::custom("must be a number of seconds"))?;
    Ok(format!("{}ns", time.as_nanos()))
}

/// Reads a whole number as the smallest type that holds it.
pub(crate) fn integer<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, ReadError> {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => visitor.visit_i128(number),
    }
}
