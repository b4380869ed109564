//! Header fields whose value is a comma-separated list (RFC 9110, 5.6.1), read as bytes.
//!
//! A member is kept or left out by itself. One that is not text does not hide the others of its line: the proxy in front
//! appends to the line that a client began.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Returns the members of a list over all its lines, without empty ones.
pub(super) fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Appends a member and joins all lines into one, because some receivers read only the first or the last. Members that are
/// not text are left out, because many receivers skip a line that contains one.
pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, member: &[u8]) {
    let mut line = joined(headers, &name, is_text);
    if line.is_empty() {
        return set(headers, name, member);
    }
    line.extend_from_slice(member);
    set(headers, name, &line);
}

/// Leaves out the members of a list that do not pass. Removes the field if none is left.
pub(super) fn retain(headers: &mut HeaderMap, name: &HeaderName, keeps: impl Fn(&[u8]) -> bool) {
    if list(headers, name).all(&keeps) {
        return;
    }
    let mut line = joined(headers, name, keeps);
    line.truncate(line.len().saturating_sub(2));
    match line.is_empty() {
        true => drop(headers.remove(name)),
        false => set(headers, name.clone(), &line),
    }
}

/// Whether a member consists of visible characters, spaces and tabs of ASCII.
pub(super) fn is_text(member: &[u8]) -> bool {
    member.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// Returns the members that pass, each with a separator behind it.
fn joined(headers: &HeaderMap, name: &HeaderName, keeps: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    list(headers, name).filter(|member| keeps(member)).fold(Vec::new(), |mut line, member| {
        line.extend_from_slice(member);
        line.extend_from_slice(b", ");
        line
    })
}

fn set(headers: &mut HeaderMap, name: HeaderName, line: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(line) {
        headers.insert(name, value);
    }
}
