//! The size of a request's head, for one limit over both versions of HTTP.

use http::Request;

/// What each field counts in addition to its name and value (RFC 9113, 6.5.2).
const FIELD: usize = 32;

/// Returns the size of a head as HTTP/2 counts it, whatever the version: the target, and name, value and 32 bytes for each
/// field. Over HTTP/1 a field takes fewer bytes on the wire.
pub(crate) fn head_size<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let target = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD);
    target + authority + fields.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_that_of_http2() {
        let request = Request::get("http://a:80/x?y").header("abc", "defg").header("abc", "").body(()).unwrap();
        assert_eq!(head_size(&request), 4 + 4 + (3 + 4 + 32) + (3 + 32));
    }
}
