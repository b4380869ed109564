//! A copy of a request, and when it may be sent.

use crate::Outcome;

/// A copy of a request, made before the request is sent, and the condition under which the copy may be sent.
///
/// Most copies may be sent after any failure. A request that the dependency must not execute twice (a POST without an
/// idempotency key) has a copy that may be sent only if the first attempt [was not](Outcome::is_unsent): its connection
/// was refused, or a Mainstay layer rejected it.
///
/// ```
/// use mainstay_core::{FailureKind, Outcome, RequestCopy};
///
/// let order = RequestCopy::only_if_unsent("POST /orders");
/// assert!(order.may_follow(&Outcome::failure(FailureKind::Connect)));
/// assert!(!order.may_follow(&Outcome::failure(FailureKind::Network)));
/// assert!(RequestCopy::new("GET /orders").may_follow(&Outcome::failure(FailureKind::Network)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCopy<Req> {
    request: Req,
    only_if_unsent: bool,
}

// === impl RequestCopy ===

impl<Req> RequestCopy<Req> {
    /// Creates a copy that may be sent whatever happened to the first attempt.
    pub const fn new(request: Req) -> Self {
        Self { request, only_if_unsent: false }
    }

    /// Creates a copy that may be sent only if the first attempt was never sent.
    pub const fn only_if_unsent(request: Req) -> Self {
        Self { request, only_if_unsent: true }
    }

    /// Returns whether the copy may be sent after an attempt with this outcome.
    #[inline]
    pub const fn may_follow(&self, outcome: &Outcome) -> bool {
        !self.only_if_unsent || outcome.is_unsent()
    }

    /// Returns whether the copy may be sent only if the first attempt was never sent. Such a copy must not be sent while
    /// another attempt is in flight.
    #[inline]
    pub const fn is_only_if_unsent(&self) -> bool {
        self.only_if_unsent
    }

    /// Changes the form in which the request is kept, and leaves the condition.
    #[inline]
    pub fn map<T>(self, change: impl FnOnce(Req) -> T) -> RequestCopy<T> {
        RequestCopy { request: change(self.request), only_if_unsent: self.only_if_unsent }
    }

    /// Returns the request.
    #[inline]
    pub const fn request(&self) -> &Req {
        &self.request
    }

    /// Returns the request, in order to send it.
    #[inline]
    pub fn into_request(self) -> Req {
        self.request
    }
}

impl<Req> From<Req> for RequestCopy<Req> {
    fn from(request: Req) -> Self {
        Self::new(request)
    }
}
