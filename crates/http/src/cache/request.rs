//! What is kept of a request during its call.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method};
use tokio::time::Instant;

use crate::cache::{
    control::RequestDirectives,
    key::{AnswerKey, is_complete_get},
    message::RequestView,
};

/// What [`CacheRules`](crate::cache::CacheRules) keep of a request during its call.
pub struct KeptRequest {
    pub(super) key: AnswerKey,
    pub(super) caller: Option<Arc<str>>,
    pub(super) kind: Kind,
}

/// What the response to a request may do to what is kept, and the other way round.
pub(super) enum Kind {
    /// It may be kept, and what is kept may be the answer.
    Get(Box<Get>),
    /// A good one shows that what is kept has changed (RFC 9111, 4.4).
    Unsafe,
}

/// What is kept of a `GET` or `HEAD`.
pub(super) struct Get {
    pub(super) headers: HeaderMap,
    pub(super) directives: RequestDirectives,
    pub(super) is_head: bool,
    /// Whether the request shows who sent it.
    pub(super) has_credentials: bool,
    /// The target of the request, to compare it with that of the response.
    pub(super) target: String,
    /// The time before the request was sent, from which the age counts.
    pub(super) sent_at: Instant,
}

// === impl KeptRequest ===

impl KeptRequest {
    pub(super) fn new(request: RequestView<'_>, caller: Option<Arc<str>>, has_credentials: bool) -> Option<Self> {
        let key = AnswerKey::of_view(&request);
        if is_complete_get(&request) {
            let get = Get {
                directives: RequestDirectives::of(request.headers),
                is_head: *request.method == Method::HEAD,
                has_credentials,
                sent_at: Instant::now(),
                headers: request.headers.clone(),
                target: request.target,
            };
            return Some(Self { key, caller, kind: Kind::Get(Box::new(get)) });
        }
        (!request.method.is_safe()).then_some(Self { key, caller, kind: Kind::Unsafe })
    }

    /// Returns the key of what is kept for the caller alone, if the caller is named.
    pub(super) fn callers_key(&self) -> Option<AnswerKey> {
        self.caller.clone().map(|caller| self.key.clone().for_caller(caller))
    }
}

impl fmt::Debug for KeptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRequest").field("key", &self.key).finish_non_exhaustive()
    }
}
