//! The URI of a forwarded request.

use http::{
    Uri,
    uri::{Parts, PathAndQuery},
};

/// Whether a URI's path stays below a prefix that was matched: it begins with `/` and has no `.` or `..` segments, encoded
/// or not, with parameters (`..;x`) or without, which a backend would resolve.
#[must_use]
pub fn stays_below(uri: &Uri) -> bool {
    // `OPTIONS *` and `CONNECT` have no path.
    uri.path().starts_with('/') && !uri.path().split(['/', '\\']).any(is_dot_segment)
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

fn is_dot_segment(segment: &str) -> bool {
    // Most segments hold neither a dot nor an encoded character.
    if !segment.contains(['.', '%']) {
        return false;
    }
    // A percent-encoded separator hides a segment's end: `%2e%2e%2f`.
    let mut segment = segment.to_ascii_lowercase();
    for (encoded, plain) in [("%2e", "."), ("%5c", "/"), ("%2f", "/"), ("%3b", ";")] {
        segment = segment.replace(encoded, plain);
    }
    // Some servers remove parameters before they resolve dots: `..;x=y`.
    segment.split('/').filter_map(|part| part.split(';').next()).any(|name| name == "." || name == "..")
}
