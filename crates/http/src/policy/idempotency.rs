//! Which requests are safe to send twice.

use http::{Extensions, HeaderMap, HeaderName, Method};

/// `Idempotency-Key`: the client's key for an operation, which the server executes once for all requests with that key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether a request is safe to send twice, set by the caller in the request's extensions. It overrides method and
/// headers.
///
/// ```
/// use mainstay_http::policy::{Retryable, is_repeatable};
///
/// let search = http::Request::post("/search").extension(Retryable::Yes).body(())?;
/// assert!(is_repeatable(search.method(), search.headers(), search.extensions()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryable {
    /// The request may be sent twice, whatever its method.
    Yes,
    /// The request must be tried only once, whatever its method, even if the first attempt was not sent.
    No,
}

mainstay_core::labels! {
    Retryable:
    Yes => "yes",
    No => "no",
}

/// Whether a request that was sent may be sent again: by the caller's [`Retryable`] if it is set, else by an idempotent method
/// (RFC 9110, 9.2.2) or an `Idempotency-Key` that is not empty.
#[must_use]
pub fn is_repeatable(method: &Method, headers: &HeaderMap, extensions: &Extensions) -> bool {
    match extensions.get() {
        Some(Retryable::Yes) => true,
        Some(Retryable::No) => false,
        None => method.is_idempotent() || has_idempotency_key(headers),
    }
}

pub(crate) fn has_idempotency_key(headers: &HeaderMap) -> bool {
    headers.get(IDEMPOTENCY_KEY).is_some_and(|key| !key.as_bytes().trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn repeatable(request: http::request::Builder) -> bool {
        let request = request.body(()).unwrap();
        is_repeatable(request.method(), request.headers(), request.extensions())
    }

    #[test]
    fn idempotent_methods_are_repeatable() {
        for safe in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"] {
            assert!(repeatable(Request::builder().method(safe)), "{safe}");
        }
        for unsafe_ in ["POST", "PATCH", "CONNECT", "PROPFIND", "get", "PURGE"] {
            assert!(!repeatable(Request::builder().method(unsafe_)), "{unsafe_}");
        }
    }

    #[test]
    fn request_with_a_key_is_repeatable() {
        assert!(repeatable(Request::post("/").header("Idempotency-Key", "\"8e03978e\"")));
        assert!(!repeatable(Request::post("/").header("Idempotency-Key", "")));
    }

    #[test]
    fn retryable_extension_overrides_method_and_key() {
        assert!(repeatable(Request::post("/").extension(Retryable::Yes)));
        assert!(!repeatable(Request::get("/").extension(Retryable::No)));
        assert!(!repeatable(Request::post("/").header("idempotency-key", "1").extension(Retryable::No)));
    }
}
