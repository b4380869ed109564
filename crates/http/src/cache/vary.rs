//! The fields of a request by which a server selects the response (RFC 9111, 4.1).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The names of the fields, sorted and without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vary(Arc<[HeaderName]>);

/// The most fields of a response that is kept.
const MOST: usize = 16;

// === impl Vary ===

impl Vary {
    /// Returns the fields that the response names, or `None` if no request selects the same response: `*`, no name of a
    /// field, or more names than are kept. A coded body depends on `Accept-Encoding`, said or not.
    pub(super) fn of(response: &HeaderMap) -> Option<Self> {
        let mut names = Vec::new();
        for line in response.get_all(header::VARY) {
            for name in line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                match name {
                    b"" => {}
                    b"*" => return None,
                    name => names.push(HeaderName::from_bytes(name).ok()?),
                }
            }
        }
        if response.contains_key(header::CONTENT_ENCODING) {
            names.push(header::ACCEPT_ENCODING);
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        (names.len() <= MOST).then(|| Self(names.into()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the values of these fields in a request, as one text that is equal for equal values. Spaces around
    /// members, and how members are spread over lines, make no difference.
    pub(super) fn values(&self, request: &HeaderMap) -> Box<[u8]> {
        let mut values = Vec::new();
        for name in &*self.0 {
            let mut lines = request.get_all(name).into_iter().map(HeaderValue::as_bytes).peekable();
            // No value contains a line feed. An absent field equals no present one, an empty one included.
            values.push(if lines.peek().is_some() { b'+' } else { b'-' });
            for member in lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
                values.extend_from_slice(member);
                values.push(b',');
            }
            values.push(b'\n');
        }
        values.into()
    }

    /// Returns the bytes of the names.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|name| name.as_str().len() as u64).sum()
    }
}
