//! The key of a kept response.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method, header};

use crate::cache::{
    message::{CacheRequest, RequestView},
    vary::Vary,
};

/// The key under which a response is kept: scheme, authority, path and query of its request; the caller, if it is for one
/// caller alone; and the values of the fields that `Vary` names.
///
/// Make one to remove what is kept: `cache.remove(&AnswerKey::of(&request))` removes what is kept for all callers, and
/// `cache.remove(&AnswerKey::of(&request).for_caller("ann"))` what is kept for one.
///
/// Its `Debug` shows neither the query nor the caller.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    target: Arc<[u8]>,
    caller: Option<Arc<str>>,
    variant: Option<(u64, Box<[u8]>)>,
}

/// Fields that choose the resource at many servers, although only the target should. Their values are part of the key, or
/// a client could store an answer of its choice for the others.
const TARGET_FIELDS: [&str; 11] = [
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-host",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

// === impl AnswerKey ===

impl AnswerKey {
    /// Returns the key of what is kept for all callers.
    pub fn of(request: &impl CacheRequest) -> Self {
        Self::of_view(&request.view())
    }

    pub(super) fn of_view(request: &RequestView<'_>) -> Self {
        let mut target = request.target.as_bytes().to_vec();
        for name in TARGET_FIELDS {
            for value in request.headers.get_all(name) {
                // Neither names nor values contain a line feed.
                target.extend_from_slice(b"\n");
                target.extend_from_slice(name.as_bytes());
                target.extend_from_slice(b"=");
                target.extend_from_slice(value.as_bytes());
            }
        }
        Self { target: target.into(), caller: None, variant: None }
    }

    /// Returns the key of what is kept for this caller alone.
    #[must_use]
    pub fn for_caller(mut self, caller: impl Into<Arc<str>>) -> Self {
        self.caller = Some(caller.into());
        self
    }

    /// Returns the key of the response that a request with these fields selects.
    pub(super) fn variant(&self, generation: u64, vary: &Vary, request: &HeaderMap) -> Self {
        Self { variant: Some((generation, vary.values(request))), ..self.clone() }
    }

    /// Returns the bytes of the key.
    pub(super) fn bytes(&self) -> u64 {
        let caller = self.caller.as_ref().map_or(0, |caller| caller.len());
        let variant = self.variant.as_ref().map_or(0, |(_, values)| values.len());
        (self.target.len() + caller + variant) as u64
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.split(|byte| matches!(byte, b'?' | b'\n')).next().unwrap_or_default();
        f.debug_struct("AnswerKey")
            .field("target", &String::from_utf8_lossy(target))
            .field("is_for_one_caller", &self.caller.is_some())
            .finish_non_exhaustive()
    }
}

/// Whether a request can be answered from what is kept, by its method and fields: a complete `GET` or `HEAD`, without a
/// condition that only the server can check.
pub(super) fn is_complete_get(request: &RequestView<'_>) -> bool {
    const CONDITIONS: [header::HeaderName; 5] =
        [header::IF_MATCH, header::IF_UNMODIFIED_SINCE, header::IF_RANGE, header::RANGE, header::UPGRADE];
    let is_empty = !request.has_body
        && !request.headers.contains_key(header::TRANSFER_ENCODING)
        && request.headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    let has_one_host = request.headers.get_all(header::HOST).iter().nth(1).is_none();
    matches!(*request.method, Method::GET | Method::HEAD)
        && is_empty
        && has_one_host
        && !CONDITIONS.iter().any(|name| request.headers.contains_key(name))
}
