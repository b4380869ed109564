//! The ranges of keys, expiries and logs, which all storages share.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::{StorageError, error::Shortened};

/// The most bytes of a key, its prefixes included.
pub(crate) const LONGEST_KEY: usize = 1_024;

/// The most entries of a log.
pub(crate) const LONGEST_LOG: usize = 100_000;

pub(crate) fn check_key(key: &str) -> Result<(), StorageError> {
    match key.len() {
        1..=LONGEST_KEY => Ok(()),
        bytes => {
            let allowed = format!("must have 1 to {LONGEST_KEY} bytes, and has {bytes}");
            Err(InvalidSetting::new("key", format!("{:?}", Shortened(key)), allowed).into())
        }
    }
}

pub(crate) fn check_expire(expire: Duration) -> Result<(), StorageError> {
    Ok(settings::duration("expire", expire, SHORTEST..=LONGEST)?)
}

pub(crate) fn check_cap(cap: usize) -> Result<(), StorageError> {
    Ok(settings::count("cap", cap as u64, 1..=LONGEST_LOG as u64)?)
}
