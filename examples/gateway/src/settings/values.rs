//! Reads the values that serde alone does not check. An error says what the value must be; the settings crate adds the
//! name, the value and the line.

use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    table::{PATH, URL, duration},
    url::{is_path, parse_url},
};
use crate::operations;

/// A duration within a range of milliseconds.
pub(super) fn time<'de, const MIN: u64, const MAX: u64, D>(input: D) -> Result<Duration, D::Error>
where
    D: Deserializer<'de>,
{
    let range = Duration::from_millis(MIN)..=Duration::from_millis(MAX);
    let time = humantime_serde::deserialize(input);
    checked(time, |time| range.contains(time), || format!("{} to {}", duration(*range.start()), duration(*range.end())))
}

/// A number within a range.
pub(super) fn count<'de, const MIN: u32, const MAX: u32, D>(input: D) -> Result<u32, D::Error>
where
    D: Deserializer<'de>,
{
    checked(u32::deserialize(input), |count| (MIN..=MAX).contains(count), || format!("{MIN} to {MAX}"))
}

/// The URL of a backend.
pub(super) fn url<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Uri>, D::Error> {
    let url = String::deserialize(input).map(|text| parse_url(&text));
    checked(url, Option::is_some, || URL.to_owned())
}

/// The URLs of several backends.
pub(super) fn urls<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Uri>, D::Error> {
    let urls = Vec::<String>::deserialize(input).map(|urls| urls.iter().map(|text| parse_url(text)).collect());
    let urls = checked(urls, Option::is_some, || "a list of URLs: [\"http://host[:port][/path]\"]".to_owned());
    urls.map(Option::unwrap_or_default)
}

/// A path at a backend. One slash at its end is part of it.
pub(super) fn path<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let usable =
        |path: &String| is_path(path) || path.strip_suffix('/').is_some_and(|path| path != "/" && is_path(path));
    checked(String::deserialize(input), usable, || PATH.to_owned()).map(Some)
}

/// A path, without a slash at its end. It has no character with a meaning for a router or a proxy, and is not one that
/// the gateway answers itself.
pub(super) fn prefix<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(plain);
    let usable = |prefix: &String| {
        let well_formed = prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
        well_formed && !operations::is_own_path(prefix)
    };
    let prefix = String::deserialize(input).map(|text| text.strip_suffix('/').unwrap_or(&text).to_owned());
    checked(prefix, usable, || {
        "a path such as /api/v1, of letters, digits and - . _ ~, that the gateway does not answer itself".to_owned()
    })
}

fn checked<T, E: Error>(
    value: Result<T, E>,
    is_allowed: impl FnOnce(&T) -> bool,
    allowed: impl FnOnce() -> String,
) -> Result<T, E> {
    value.ok().filter(is_allowed).ok_or_else(|| E::custom(format!("must be {}", allowed())))
}
