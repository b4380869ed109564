//! A copy of a request's head in one piece.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, request::Parts};

use crate::policy::is_repeatable;

/// A copy of a head, from which the head can be made again.
///
/// A clone of a `HeaderMap` allocates for each name that is no standard one, and counts a reference for each value. Most
/// copies are never sent, so the text of the fields is copied into one allocation, and the map is made when a copy is sent.
#[derive(Clone)]
pub(super) struct PackedHead {
    pub(super) method: Method,
    pub(super) uri: Uri,
    version: Version,
    /// Names and values in their order, each with its length in front; the length of a sensitive value is odd.
    fields: Box<[u8]>,
    count: usize,
    pub(super) extensions: Extensions,
    /// Whether the request may be sent twice.
    pub(super) is_repeatable: bool,
}

/// The bytes of a length.
const LENGTH: usize = size_of::<u64>();

// === impl PackedHead ===

impl PackedHead {
    pub(super) fn new(head: &Parts) -> Self {
        let Parts { method, uri, version, headers, extensions, .. } = head;
        let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 2 * LENGTH;
        let mut fields = Vec::with_capacity(headers.iter().map(length).sum());
        let mut put = |text: &[u8], mark: bool| {
            fields.extend_from_slice(&(text.len() as u64 * 2 + u64::from(mark)).to_ne_bytes());
            fields.extend_from_slice(text);
        };
        for (name, value) in headers {
            put(name.as_str().as_bytes(), false);
            put(value.as_bytes(), value.is_sensitive());
        }
        Self {
            method: method.clone(),
            uri: uri.clone(),
            version: *version,
            fields: fields.into_boxed_slice(),
            count: headers.len(),
            extensions: extensions.clone(),
            is_repeatable: is_repeatable(method, headers, extensions),
        }
    }

    /// Makes a request with this head.
    pub(super) fn unpack<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.headers_mut() = self.headers();
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        request
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.count);
        let mut rest = &*self.fields;
        while let (Some((name, _)), Some((value, is_sensitive))) = (take(&mut rest), take(&mut rest)) {
            // Both were valid when they were packed.
            let (Ok(name), Ok(mut value)) = (HeaderName::from_lowercase(name), HeaderValue::from_bytes(value)) else {
                continue;
            };
            value.set_sensitive(is_sensitive);
            headers.append(name, value);
        }
        headers
    }
}

/// Takes a text and its mark from the front.
fn take<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], bool)> {
    let (length, behind) = rest.split_first_chunk::<LENGTH>()?;
    let length = u64::from_ne_bytes(*length);
    let (text, behind) = behind.split_at_checked(usize::try_from(length / 2).ok()?)?;
    *rest = behind;
    Some((text, length % 2 == 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(headers: HeaderMap) -> HeaderMap {
        let mut request = Request::new(());
        *request.headers_mut() = headers;
        PackedHead::new(&request.into_parts().0).unpack(()).into_parts().0.headers
    }

    #[test]
    fn every_name_is_made_again() {
        for byte in 0..=u8::MAX {
            for name in [HeaderName::from_bytes(&[byte]), HeaderName::from_lowercase(&[byte])].into_iter().flatten() {
                let headers = HeaderMap::from_iter([(name, HeaderValue::from_static("x"))]);
                assert_eq!(unpacked(headers.clone()), headers);
            }
        }
    }

    #[test]
    fn sensitive_value_stays_sensitive() {
        let mut secret = HeaderValue::from_static("secret");
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, secret),
            (http::header::ACCEPT, HeaderValue::from_static("")),
        ]);
        let headers = unpacked(headers);
        assert!(headers["authorization"].is_sensitive() && !headers["accept"].is_sensitive());
    }

    proptest! {
        #[test]
        fn fields_are_made_again_in_their_order(
            fields in prop::collection::vec(("[a-z][a-z0-9-]{0,30}", prop::collection::vec(any::<u8>(), 0..300)), 0..40),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in &fields {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
                }
            }
            let unpacked = unpacked(headers.clone());
            prop_assert_eq!(unpacked.iter().collect::<Vec<_>>(), headers.iter().collect::<Vec<_>>());
        }
    }
}
