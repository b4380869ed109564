//! Whom a request is for, as a key.

use http::Request;
use mainstay_core::Name;

use crate::proxy::requested_host;

/// The host and port that a request is for, in lower case: the key for keyed breakers and bulkheads of a client that
/// talks to many servers. Empty where the request names none; user and password are left out.
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
