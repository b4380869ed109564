//! Values as JSON.

use serde::{Serialize, de::DeserializeOwned};

use crate::{StorageError, StorageErrorKind};

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec(value)
        .map_err(|error| StorageError::new(StorageErrorKind::Invalid, format!("a value has no form in JSON: {error}")))
}

/// Reads a value. The error tells where the text does not fit the type, and not the text: it may be private.
pub(crate) fn read_json<T: DeserializeOwned>(key: &str, json: &[u8]) -> Result<T, StorageError> {
    serde_json::from_slice(json).map_err(|error| {
        let reason = format!(
            "holds no {} ({:?} error at line {}, column {})",
            std::any::type_name::<T>(),
            error.classify(),
            error.line(),
            error.column(),
        );
        StorageError::malformed(key, reason)
    })
}
