//! The directives of `Cache-Control` (RFC 9111, 5.2; RFC 5861, 4).

use http::{HeaderMap, HeaderValue, header};

/// The directives of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestDirectives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) max_age: Option<u64>,
    /// `u64::MAX` without a value: any staleness.
    pub(super) max_stale: Option<u64>,
    pub(super) min_fresh: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
}

/// The directives of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ResponseDirectives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) max_age: Option<u64>,
    pub(super) s_maxage: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
}

/// The largest number of seconds; larger ones count as this (RFC 9111, 1.2.2).
const LARGEST: u64 = 1 << 31;

// === impl RequestDirectives ===

impl RequestDirectives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        let is_complete = each(headers, |name, value| match name {
            b"no-store" => all.no_store = true,
            b"no-cache" => all.no_cache = true,
            b"max-age" => least(&mut all.max_age, seconds(value)),
            b"max-stale" => least(&mut all.max_stale, value.map_or(u64::MAX, |value| seconds(Some(value)))),
            b"min-fresh" => all.min_fresh = all.min_fresh.max(Some(seconds(value))),
            b"stale-if-error" => least(&mut all.stale_if_error, seconds(value)),
            _ => {}
        });
        if !is_complete {
            (all.no_store, all.no_cache) = (true, true);
        }
        // RFC 9111, 5.4.
        all.no_cache |= !headers.contains_key(header::CACHE_CONTROL) && is_pragma_no_cache(headers);
        all
    }
}

// === impl ResponseDirectives ===

impl ResponseDirectives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        let is_complete = each(headers, |name, value| match name {
            b"no-store" => all.no_store = true,
            // With a list of fields, both mean the fields only; many caches take them for the whole response (RFC 9111,
            // 5.2.2.4 and 5.2.2.7).
            b"no-cache" => all.no_cache = true,
            b"private" => all.private = true,
            b"public" => all.public = true,
            b"must-revalidate" => all.must_revalidate = true,
            b"proxy-revalidate" => all.proxy_revalidate = true,
            b"must-understand" => all.must_understand = true,
            b"max-age" => least(&mut all.max_age, seconds(value)),
            b"s-maxage" => least(&mut all.s_maxage, seconds(value)),
            b"stale-if-error" => least(&mut all.stale_if_error, seconds(value)),
            _ => {}
        });
        if !is_complete {
            (all.no_store, all.must_understand) = (true, false);
        }
        // Old servers send it; the RFC gives it no meaning in a response.
        all.no_cache |= !headers.contains_key(header::CACHE_CONTROL) && is_pragma_no_cache(headers);
        all
    }
}

fn is_pragma_no_cache(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::PRAGMA).into_iter().map(HeaderValue::as_bytes);
    lines
        .flat_map(|line| line.split(|byte| *byte == b','))
        .any(|one| one.trim_ascii().eq_ignore_ascii_case(b"no-cache"))
}

/// Of several values the strictest one counts (RFC 9111, 4.2.1).
fn least(current: &mut Option<u64>, value: u64) {
    *current = Some(current.map_or(value, |current| current.min(value)));
}

/// Reads delta-seconds. What is no number is none: the response is stale (RFC 9111, 4.2.1).
pub(super) fn seconds(value: Option<&[u8]>) -> u64 {
    match value {
        Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            digits.iter().fold(0, |sum: u64, digit| (sum * 10 + u64::from(digit - b'0')).min(LARGEST))
        }
        _ => 0,
    }
}

/// Calls `visit` with the name of each directive in lower case, and with its value without quotation marks. Returns false
/// if a quotation mark is not closed, or if a name or value is no token, as in `max-age=60; no-store`: what is meant is not
/// known.
fn each(headers: &HeaderMap, mut visit: impl FnMut(&[u8], Option<&[u8]>)) -> bool {
    headers.get_all(header::CACHE_CONTROL).into_iter().all(|line| {
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let Some(end) = member_end(rest) else { return false };
            let member = rest[..end].trim_ascii();
            let (name, value) = match member.iter().position(|byte| *byte == b'=') {
                Some(at) => (member[..at].trim_ascii_end(), Some(member[at + 1..].trim_ascii_start())),
                None => (member, None),
            };
            if !name.iter().all(is_token)
                || value.is_some_and(|value| !value.starts_with(b"\"") && !value.iter().all(is_token))
            {
                return false;
            }
            visit(&name.to_ascii_lowercase(), value.map(unquoted));
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        true
    })
}

/// Returns where the first member of a list ends: at a comma outside of quotation marks, or at the end of the line.
fn member_end(line: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    (!quoted).then_some(line.len())
}

/// Whether a token contains the byte (RFC 9110, 5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}
