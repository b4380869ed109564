//! Whether a response may be kept, and for which callers (RFC 9111, 3).

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::cache::{
    control::ResponseDirectives,
    lifetime::{freshness, initial_age, usable},
    request::Get,
    scope::Scope,
    vary::Vary,
};

/// How a response is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storable {
    pub(super) scope: Scope,
    pub(super) vary: Vary,
    /// The time for which it is fresh, if the response says so.
    pub(super) fresh: Option<Duration>,
    /// The age that it had when it arrived.
    pub(super) initial_age: Duration,
    /// The time after its arrival for which it may be an answer.
    pub(super) keep_for: Duration,
}

/// Why a response is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// It answers a `HEAD`.
    Head,
    /// The request has `no-store`.
    RequestNoStore,
    /// The response has `no-store` or `no-cache`.
    Forbidden,
    /// Its status is not understood, or the response is a part.
    Status,
    /// Its status is kept only with a lifetime, `public` or `private`.
    NotStated,
    /// It is for one caller, who is not named.
    Caller,
    /// No request selects the same response.
    Vary,
    /// It may be used only while it is fresh, which it is not.
    Stale,
    /// It does not end.
    Stream,
}

// === impl Storable ===

impl Storable {
    pub(super) fn of(
        request: &Get,
        is_caller_named: bool,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Self, NotKept> {
        let control = ResponseDirectives::of(headers);
        let understood = understood(status);
        if request.is_head {
            return Err(NotKept::Head);
        }
        if request.directives.no_store {
            return Err(NotKept::RequestNoStore);
        }
        // `must-understand` takes `no-store` back for those that understand the status (5.2.2.3).
        let is_understood = control.must_understand && understood.is_some();
        if control.no_cache || control.no_store && !is_understood {
            return Err(NotKept::Forbidden);
        }
        let Some(by_itself) = understood else { return Err(NotKept::Status) };
        if is_endless(headers) {
            return Err(NotKept::Stream);
        }
        let scope = scope(request, &control, headers);
        if scope == Scope::Caller && !is_caller_named {
            return Err(NotKept::Caller);
        }
        let fresh = freshness(&control, headers, scope);
        let is_stated = control.public || control.private && scope == Scope::Caller || fresh.is_some();
        if !by_itself && !is_stated {
            return Err(NotKept::NotStated);
        }
        let vary = Vary::of(headers).ok_or(NotKept::Vary)?;
        let initial_age = initial_age(headers);
        let keep_for = usable(&control, fresh, scope).unwrap_or(Duration::MAX).saturating_sub(initial_age);
        if keep_for.is_zero() {
            return Err(NotKept::Stale);
        }
        Ok(Self { scope, vary, fresh, initial_age, keep_for })
    }
}

/// Returns for which callers a response is: for all unless something says or suggests that it is for one caller.
fn scope(request: &Get, control: &ResponseDirectives, headers: &HeaderMap) -> Scope {
    // RFC 9111, 3.5 names `must-revalidate` too, but frameworks send it with every response, also those of one user.
    let is_for_all = control.public || control.s_maxage.is_some();
    let sets_cookie = headers.contains_key(header::SET_COOKIE) || headers.contains_key("set-cookie2");
    match control.private || sets_cookie || request.has_credentials && !is_for_all {
        true => Scope::Caller,
        false => Scope::Shared,
    }
}

/// Returns whether a response with this status may be kept although it does not say so (RFC 9110, 15.1), or `None` for a
/// status that is not understood, and for parts (206) and validations (304).
fn understood(status: StatusCode) -> Option<bool> {
    match status.as_u16() {
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501 => Some(true),
        302 | 303 | 307 => Some(false),
        _ => None,
    }
}

/// Whether the body is a stream of events or of images, or of messages of gRPC: none of them is an answer to repeat.
fn is_endless(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is = |prefix: &[u8]| content_type.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix));
    is(b"text/event-stream") || is(b"multipart/x-mixed-replace") || is(b"application/grpc")
}
