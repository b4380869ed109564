//! What is kept of a response, and the answer that is made of it.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    cache::{storable::Storable, vary::Vary},
    proxy::strip_hop_by_hop,
};

/// A kept response, or the note that there is one for each value of some fields.
#[derive(Debug)]
pub struct KeptAnswer(pub(super) Kept);

#[derive(Debug)]
pub(super) enum Kept {
    /// The response itself.
    Response(Box<KeptResponse>),
    /// The response depends on these fields: it is kept under another key, which has this number. A new number, after
    /// the note was removed, leaves the older responses behind.
    Varies { vary: Vary, generation: u64 },
}

/// A response without its connection.
pub(super) struct KeptResponse {
    head: KeptHead,
    body: Bytes,
}

/// The head of a response whose body is not complete yet.
pub(super) struct KeptHead {
    status: StatusCode,
    headers: HeaderMap,
    extensions: Extensions,
    fresh: Option<Duration>,
    initial_age: Duration,
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The memory of an answer besides its key, fields and body, about.
const OVERHEAD: u64 = 512;

// === impl KeptHead ===

impl KeptHead {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, extensions: Extensions, storable: &Storable) -> Self {
        let mut headers = headers.clone();
        strip_hop_by_hop(&mut headers);
        for name in [header::SET_COOKIE, header::AGE, header::TE, header::TRAILER] {
            headers.remove(name);
        }
        // A cookie and the end of a session belong to the time of the response.
        for name in ["set-cookie2", "clear-site-data"] {
            headers.remove(name);
        }
        Self { status, headers, extensions, fresh: storable.fresh, initial_age: storable.initial_age }
    }

    /// Returns the bytes that the answer needs besides its body.
    pub(super) fn bytes(&self) -> u64 {
        let field = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().len() + value.len()) as u64;
        OVERHEAD + self.headers.iter().map(field).sum::<u64>()
    }

    /// Adds the body, unless it has another length than the head says (RFC 9111, 3.3).
    pub(super) fn complete(self, body: Bytes) -> Option<KeptAnswer> {
        let says = |length: &HeaderValue| length.to_str().ok()?.parse::<u64>().ok();
        match self.headers.get(header::CONTENT_LENGTH) {
            Some(length) if says(length) != Some(body.len() as u64) => None,
            _ => Some(KeptAnswer(Kept::Response(Box::new(KeptResponse { head: self, body })))),
        }
    }
}

// === impl KeptResponse ===

impl KeptResponse {
    pub(super) fn fresh(&self) -> Option<Duration> {
        self.head.fresh
    }

    /// Returns the age of the response so long after its arrival (RFC 9111, 4.2.3).
    pub(super) fn age(&self, kept: Duration) -> Duration {
        kept.saturating_add(self.head.initial_age)
    }

    /// Makes an answer of this age.
    pub(super) fn answer(&self, age: Duration, is_head: bool) -> Response<Bytes> {
        let mut response = Response::new(if is_head { Bytes::new() } else { self.body.clone() });
        *response.status_mut() = self.head.status;
        *response.headers_mut() = self.head.headers.clone();
        *response.extensions_mut() = self.head.extensions.clone();
        let headers = response.headers_mut();
        headers.insert(header::AGE, age.as_secs().into());
        let ttl = self.head.fresh.map(|fresh| match fresh.checked_sub(age) {
            Some(left) => format!("; ttl={}", left.as_secs()),
            None => format!("; ttl=-{}", (age - fresh).as_secs()),
        });
        if let Ok(status) = HeaderValue::try_from(format!("mainstay; hit{}", ttl.unwrap_or_default())) {
            headers.append(CACHE_STATUS, status);
        }
        response
    }
}

impl fmt::Debug for KeptResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptResponse")
            .field("status", &self.head.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
