//! The size of a response's head, for one limit over both versions of HTTP.

use http::HeaderMap;

/// What each field counts in addition to its name and value (RFC 9113, 6.5.2).
const FIELD: usize = 32;

/// Returns the size of a head as HTTP/2 counts it, whatever the version: name, value and 32 bytes for each field. Over HTTP/1
/// a field takes fewer bytes on the wire.
///
/// hyper's client limits the number of fields, and over HTTP/1 the size of its buffer, which may be twice as large as it is
/// set to. This size is exact.
#[must_use]
pub fn head_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn size_is_that_of_http2() {
        let mut headers = HeaderMap::new();
        assert_eq!(head_size(&headers), 0);
        headers.append("abc", HeaderValue::from_static("defg"));
        headers.append("abc", HeaderValue::from_static(""));
        assert_eq!(head_size(&headers), (3 + 4 + 32) + (3 + 32));
    }
}
