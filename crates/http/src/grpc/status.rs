//! The gRPC status: its codes, the headers that carry it, and its outcome.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use mainstay_core::{FailureKind, Outcome, Repeat, settings::LONGEST};

use crate::{
    grpc::retry_info::retry_info_in,
    policy::{retry_after::is_number, status::classify_head},
};

/// `grpc-status`: the code, in the trailers or in the head of a response without a body.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// `grpc-message`: the text to the code, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// `grpc-retry-pushback-ms`: the milliseconds to wait before a retry; negative to forbid retries.
pub const GRPC_RETRY_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// A gRPC status code; with feature `tonic` it converts from and into `tonic::Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrpcCode(pub u8);

#[allow(missing_docs, reason = "the names of the gRPC specification")]
impl GrpcCode {
    pub const OK: Self = Self(0);
    pub const CANCELLED: Self = Self(1);
    pub const UNKNOWN: Self = Self(2);
    pub const INVALID_ARGUMENT: Self = Self(3);
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    pub const NOT_FOUND: Self = Self(5);
    pub const ALREADY_EXISTS: Self = Self(6);
    pub const PERMISSION_DENIED: Self = Self(7);
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    pub const FAILED_PRECONDITION: Self = Self(9);
    pub const ABORTED: Self = Self(10);
    pub const OUT_OF_RANGE: Self = Self(11);
    pub const UNIMPLEMENTED: Self = Self(12);
    pub const INTERNAL: Self = Self(13);
    pub const UNAVAILABLE: Self = Self(14);
    pub const DATA_LOSS: Self = Self(15);
    pub const UNAUTHENTICATED: Self = Self(16);
}

// === impl GrpcCode ===

impl GrpcCode {
    /// Returns the code in a head or in trailers. A value that is not one of the seventeen codes is `UNKNOWN`, as gRPC
    /// requires.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(GRPC_STATUS)?.to_str().unwrap_or_default().trim();
        let code = value.parse().ok().filter(|code| is_number(value) && *code <= Self::UNAUTHENTICATED.0);
        Some(code.map_or(Self::UNKNOWN, Self))
    }

    /// Returns the outcome of a code alone.
    #[must_use]
    pub const fn classify(self) -> Outcome {
        match self {
            Self::OK => Outcome::Success,
            Self::DEADLINE_EXCEEDED => Outcome::failure(FailureKind::Timeout),
            Self::UNAVAILABLE => Outcome::failure(FailureKind::Unavailable),
            Self::UNKNOWN | Self::INTERNAL | Self::ABORTED | Self::DATA_LOSS => Outcome::failure(FailureKind::Unknown),
            Self::RESOURCE_EXHAUSTED => Outcome::rate_limited(None),
            _ => Outcome::ignored(),
        }
    }
}

impl From<GrpcCode> for HeaderValue {
    fn from(code: GrpcCode) -> Self {
        Self::from(u16::from(code.0))
    }
}

#[cfg(feature = "tonic")]
impl From<tonic::Code> for GrpcCode {
    fn from(code: tonic::Code) -> Self {
        Self(u8::try_from(i32::from(code)).unwrap_or(Self::UNKNOWN.0))
    }
}

#[cfg(feature = "tonic")]
impl From<GrpcCode> for tonic::Code {
    fn from(code: GrpcCode) -> Self {
        Self::from_i32(code.0.into())
    }
}

/// Returns the outcome of trailers, or of a head that has a status: that of the code, with the wait in
/// `grpc-retry-pushback-ms` or else in a `google.rpc.RetryInfo` of its details. `None` without a status.
#[must_use]
pub fn classify_grpc(headers: &HeaderMap) -> Option<Outcome> {
    Some(with_pushback(GrpcCode::from_headers(headers)?.classify(), headers))
}

/// The outcome with the wait that the headers request, if the code permits a repeat.
pub(crate) fn with_pushback(outcome: Outcome, headers: &HeaderMap) -> Outcome {
    if outcome.repeat() == Repeat::Never {
        return outcome;
    }
    match pushback(headers).or_else(|| retry_info_in(headers).map(Repeat::After)) {
        Some(repeat) => outcome.with_repeat(repeat),
        None => outcome,
    }
}

/// Returns the outcome of the head of a gRPC response.
///
/// A status in the head (a trailers-only response) decides. Without one, a 200 with a gRPC body is a success so far: its
/// status comes with the trailers. Any other response comes from a proxy in front of the gRPC server and is classified by
/// its HTTP status ([`classify_head`]); below 400 it is a failure, because it is no gRPC response.
#[must_use]
pub fn classify_grpc_head(status: StatusCode, headers: &HeaderMap) -> Outcome {
    if let Some(outcome) = classify_grpc(headers) {
        return outcome;
    }
    match status.as_u16() {
        200 if is_grpc(headers) => Outcome::Success,
        ..400 => GrpcCode::UNKNOWN.classify(),
        _ => classify_head(status, headers),
    }
}

/// The server's pushback: a wait, or never if it is negative, not a number, or sent twice. `None` without one.
fn pushback(headers: &HeaderMap) -> Option<Repeat> {
    let mut values = headers.get_all(GRPC_RETRY_PUSHBACK).iter();
    let value = values.next()?.to_str().unwrap_or_default();
    if values.next().is_some() || !is_number(value) {
        return Some(Repeat::Never);
    }
    // More digits than fit are a wait that is cut to the limit.
    let wait = Duration::from_millis(value.parse().unwrap_or(u64::MAX));
    Some(Repeat::After(wait.min(LONGEST)))
}

/// Whether the content type is gRPC's or missing; a proxy's error page has another one.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"application/grpc"))
}

#[cfg(test)]
mod tests;
