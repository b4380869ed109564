//! Header fields whose value is a comma-separated list.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Returns the members of a list over all its lines. Lines that are not text are skipped.
pub(super) fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

/// Appends a member and joins all lines into one, because some receivers read only the first or the last.
pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let line = list(headers, &name).fold(String::new(), |line, member| line + member + ", ") + member;
    if let Ok(value) = HeaderValue::try_from(line) {
        headers.insert(name, value);
    }
}
