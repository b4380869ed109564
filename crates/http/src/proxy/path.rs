//! The URI of a forwarded request.

use http::{
    Uri,
    uri::{Parts, PathAndQuery},
};

use crate::proxy::dot_segments::{contains_nul, decode, has_dot_segment};

/// Whether a URI's path stays below a prefix that was matched. It begins with `/` and has only characters of ASCII, no NUL,
/// and no `.` or `..` segments that a backend might resolve: plain, encoded, with parameters (`..;x`), with
/// white space or control characters (`..%09`), or in other characters that some servers take for dots and slashes.
#[must_use]
pub fn stays_below(uri: &Uri) -> bool {
    let path = uri.path().as_bytes();
    // `OPTIONS *` and `CONNECT` have no path. A URI has no other characters than ASCII (RFC 3986, 2); `http::Uri` accepts
    // UTF-8.
    if !path.starts_with(b"/") || !path.is_ascii() {
        return false;
    }
    if !path.contains(&b'%') {
        return !has_dot_segment(path);
    }
    let decoded = decode(path);
    !contains_nul(&decoded) && !has_dot_segment(&decoded)
}

/// Returns the URI of the request to the backend: the backend's scheme, authority and path, then the client's path and
/// query. No request of a client can choose the host.
///
/// `None` if the path does not [stay below](stays_below) the backend's, or if the backend's URI is not absolute.
#[must_use]
pub fn rebase(backend: &Uri, requested: &Uri) -> Option<Uri> {
    let requested = requested.path_and_query().filter(|_| stays_below(requested))?;
    let mut parts = Parts::default();
    parts.scheme = Some(backend.scheme()?.clone());
    parts.authority = Some(backend.authority()?.clone());
    parts.path_and_query = Some(match backend.path().trim_end_matches('/') {
        "" => requested.clone(),
        base => PathAndQuery::try_from(format!("{base}{requested}")).ok()?,
    });
    Uri::from_parts(parts).ok()
}
