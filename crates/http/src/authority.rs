//! The request's authority, as a key for breakers and bulkheads.

use http::Request;
use mainstay_core::Name;

use crate::proxy::requested_host;

/// Returns the host and port that a request is for, in lower case and without user and password: the key for keyed
/// breakers and bulkheads of a client of many servers. Empty if the request names no host.
///
/// ```
/// use mainstay_http::authority;
///
/// let request = http::Request::get("https://user:secret@API.example:8443/x").body(())?;
/// assert_eq!(authority(&request), "api.example:8443");
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn authority<B>(request: &Request<B>) -> Name {
    let host = requested_host(request.uri(), request.headers()).unwrap_or_default();
    Name::from(host.to_ascii_lowercase())
}
