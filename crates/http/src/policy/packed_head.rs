//! The copy of a request's head that a layer keeps until it sends the request again.

use http::{Extensions, Method, Request, Uri, Version};

use crate::policy::{idempotency::is_repeatable, packed_fields::PackedFields};

/// A copy of a head, from which the head can be made again.
///
/// Most copies are never sent, so the text of the fields is copied into one allocation, and only a request that is sent
/// again pays for a map.
#[derive(Clone, Debug)]
pub(crate) struct PackedHead {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    version: Version,
    fields: PackedFields,
    pub(crate) extensions: Extensions,
    /// Whether a request that was sent may be sent again.
    pub(crate) is_repeatable: bool,
}

// === impl PackedHead ===

impl PackedHead {
    /// Copies the head of a request. Its copy gets these extensions.
    pub(crate) fn of<B>(request: &Request<B>, extensions: Extensions) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            fields: PackedFields::of(request.headers()),
            extensions,
            is_repeatable: is_repeatable(request.method(), request.headers(), request.extensions()),
        }
    }

    /// Makes a request with this head.
    pub(crate) fn into_request<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.fields.into_map();
        *request.extensions_mut() = self.extensions;
        request
    }
}
