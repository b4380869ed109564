//! A request as a layer keeps it until it sends it again.
//!
//! A copy of a `HeaderMap` is made of two allocations and, for fields that a server has received, of a reference count for
//! each value. Here all fields are one buffer, made with one allocation. Only a request that is sent again pays for a map.

use ::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use bytes::Bytes;
use mainstay_core::RequestContext;

use crate::body::replay::ReplayBody;

/// A copy of a request, smaller and cheaper to make than an `http::Request`, into which it converts.
///
/// [`Http`](crate::Http) and [`Grpc`](crate::Grpc) keep it until the request is sent again.
///
/// ```
/// use http::Request;
/// use mainstay_core::Replay;
/// use mainstay_http::Http;
///
/// let request = Request::get("/orders").header("accept", "text/html").body("")?;
/// let copy = Http::new().replay(&request).expect("a GET can be sent again").into_request();
/// let again: Request<&str> = copy.into();
/// assert_eq!((again.uri().path(), &again.headers()["accept"]), ("/orders", &"text/html".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeptRequest<B> {
    method: Method,
    uri: Uri,
    version: Version,
    fields: Fields,
    extensions: KeptExtensions,
    body: B,
}

/// The extensions of a request. A copy of the map is made of three allocations or more.
#[derive(Debug)]
enum KeptExtensions {
    /// They hold the context alone.
    Context(RequestContext),
    All(Extensions),
}

/// The header fields in their order, each as lengths, name and value. The upper half of the lengths is that of the name,
/// the lowest bit whether the value is sensitive, and the bits between are the length of the value.
struct Fields {
    count: usize,
    buffer: Vec<u8>,
}

/// The bytes of the lengths of one field.
const LENGTHS: usize = size_of::<u64>();

/// The bytes that a field usually takes.
const USUAL_FIELD: usize = 80;

/// The longest value, two gigabytes.
const MAX_VALUE: usize = (u32::MAX >> 1) as usize;

// === impl KeptRequest ===

impl<B: ReplayBody> KeptRequest<B> {
    /// Copies a request. Returns `None` if its body cannot be copied.
    pub(crate) fn of(request: &Request<B>) -> Option<Self> {
        // The body first: it may have no copy.
        let body = request.body().replay()?;
        Some(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            fields: Fields::of(request.headers())?,
            extensions: KeptExtensions::of(request.extensions()),
            body,
        })
    }
}

impl<B> KeptRequest<B> {
    /// Returns the body.
    pub fn body(&self) -> &B {
        &self.body
    }
}

impl<B> From<KeptRequest<B>> for Request<B> {
    fn from(kept: KeptRequest<B>) -> Self {
        let KeptRequest { method, uri, version, fields, extensions, body } = kept;
        let mut request = Self::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.version_mut() = version;
        *request.headers_mut() = fields.into_map();
        *request.extensions_mut() = extensions.into_extensions();
        request
    }
}

// === impl KeptExtensions ===

impl KeptExtensions {
    fn of(extensions: &Extensions) -> Self {
        match extensions.get::<RequestContext>() {
            Some(context) if extensions.len() == 1 => Self::Context(context.clone()),
            _ => Self::All(extensions.clone()),
        }
    }

    fn into_extensions(self) -> Extensions {
        match self {
            Self::Context(context) => {
                let mut extensions = Extensions::new();
                extensions.insert(context);
                extensions
            }
            Self::All(extensions) => extensions,
        }
    }
}

// === impl Fields ===

impl Fields {
    /// Copies the fields. Returns `None` if the value of one is too long.
    fn of(map: &HeaderMap) -> Option<Self> {
        // Most fields fit: a second pass for the exact size costs as much as a third of the copy.
        let mut buffer = Vec::with_capacity(map.len() * USUAL_FIELD);
        for (name, value) in map {
            let (name, value, sensitive) = (name.as_str().as_bytes(), value.as_bytes(), value.is_sensitive());
            if value.len() > MAX_VALUE {
                return None;
            }
            // A name of a map has less than 64 KiB.
            let lengths = ((name.len() as u64) << 32) | ((value.len() as u64) << 1) | u64::from(sensitive);
            buffer.reserve(LENGTHS + name.len() + value.len());
            buffer.extend_from_slice(&lengths.to_ne_bytes());
            buffer.extend_from_slice(name);
            buffer.extend_from_slice(value);
        }
        Some(Self { count: map.len(), buffer })
    }

    /// Returns the fields as a map. The values share the buffer.
    fn into_map(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.count);
        let mut buffer = Bytes::from(self.buffer);
        while let Some((name, value)) = next(&mut buffer) {
            map.append(name, value);
        }
        map
    }
}

/// Takes the next field off the buffer. The bytes come from a map, so each is a valid name or value.
fn next(buffer: &mut Bytes) -> Option<(HeaderName, HeaderValue)> {
    let lengths = u64::from_ne_bytes(*buffer.first_chunk()?);
    let (name, value) = ((lengths >> 32) as usize, (lengths as u32 >> 1) as usize);
    if buffer.len() < LENGTHS + name + value {
        return None;
    }
    drop(buffer.split_to(LENGTHS));
    let name = HeaderName::from_bytes(&buffer.split_to(name)).ok()?;
    let mut value = HeaderValue::from_maybe_shared(buffer.split_to(value)).ok()?;
    value.set_sensitive(lengths & 1 == 1);
    Some((name, value))
}

impl std::fmt::Debug for Fields {
    /// Leaves out the values, which may be sensitive.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} fields", self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn copied(map: &HeaderMap) -> HeaderMap {
        Fields::of(map).unwrap().into_map()
    }

    #[test]
    fn order_repeated_names_and_sensitive_values_are_kept() {
        let mut map = HeaderMap::new();
        for (name, value) in
            [("b", "1"), ("accept", ""), ("b", "2"), ("x-long-name-of-a-custom-field", "\u{e9}"), ("a", "3")]
        {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map.get_mut("accept").unwrap().set_sensitive(true);
        let copy = copied(&map);
        assert_eq!(Vec::from_iter(&copy), Vec::from_iter(&map));
        assert!(copy["accept"].is_sensitive() && !copy["a"].is_sensitive());
        assert!(copied(&HeaderMap::new()).is_empty());
    }

    proptest! {
        #[test]
        fn any_fields_are_kept(fields in proptest::collection::vec(("[a-z0-9-]{1,80}", any::<Vec<u8>>(), any::<bool>()), 0..40)) {
            let mut map = HeaderMap::new();
            for (name, value, is_sensitive) in fields {
                let Ok(mut value) = HeaderValue::from_bytes(&value) else { continue };
                value.set_sensitive(is_sensitive);
                map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
            let copy = copied(&map);
            prop_assert_eq!(Vec::from_iter(&copy), Vec::from_iter(&map));
            prop_assert!(copy.values().zip(map.values()).all(|(one, other)| one.is_sensitive() == other.is_sensitive()));
        }
    }
}
