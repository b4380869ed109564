//! What a gRPC status says about the server, and where a response carries it.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use mainstay_core::{FailureKind, Outcome, Repeat, settings::LONGEST};

use crate::{classify_head, retry_after::is_number, retry_info::retry_info_in};

/// `grpc-status`: the code, in the trailers or in the head of a response without a body.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// `grpc-message`: the words to the code, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// `grpc-retry-pushback-ms`: the server's word on when to repeat.
pub const GRPC_RETRY_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// A gRPC status code; with feature `tonic` it converts from and into `tonic::Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrpcCode(pub u8);

#[allow(missing_docs, reason = "one for one the names of the gRPC specification")]
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
    /// The code in a head or in trailers; what is not one of the seventeen reads as `UNKNOWN`, as gRPC demands.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(GRPC_STATUS)?.to_str().unwrap_or_default().trim();
        let code = value.parse().ok().filter(|code| is_number(value) && *code <= Self::UNAUTHENTICATED.0);
        Some(code.map_or(Self::UNKNOWN, Self))
    }

    /// The verdict on a code alone.
    #[must_use]
    pub const fn classify(self) -> Outcome {
        match self {
            Self::OK => Outcome::Success,
            Self::DEADLINE_EXCEEDED => Outcome::failure(FailureKind::Timeout),
            Self::UNAVAILABLE => Outcome::failure(FailureKind::Unavailable),
            Self::UNKNOWN | Self::INTERNAL | Self::ABORTED | Self::DATA_LOSS => Outcome::failure(FailureKind::Unknown),
            Self::RESOURCE_EXHAUSTED => Outcome::overloaded(None),
            _ => Outcome::Ignored,
        }
    }
}

impl From<GrpcCode> for HeaderValue {
    fn from(code: GrpcCode) -> Self {
        Self::from(u16::from(code.0))
    }
}

/// The verdict on trailers, or on a head that carries a status: the code with the wait that the server asks for, by
/// `grpc-retry-pushback-ms` or else by a `google.rpc.RetryInfo` in its details. `None` without a status.
#[must_use]
pub fn classify_grpc(headers: &HeaderMap) -> Option<Outcome> {
    Some(with_pushback(GrpcCode::from_headers(headers)?.classify(), headers))
}

pub(crate) fn with_pushback(outcome: Outcome, headers: &HeaderMap) -> Outcome {
    match pushback(headers).or_else(|| retry_info_in(headers).map(Repeat::After)) {
        Some(repeat) => outcome.with_repeat(repeat),
        None => outcome,
    }
}

/// The verdict on the head of a gRPC response.
///
/// A status in the head (a response of trailers only) decides. Without one, a 200 with a gRPC body is a success so
/// far: its status comes with the trailers. Anything else did not come from a gRPC server but from what stands before
/// it, and is mapped as gRPC demands (502 and 504 to `UNAVAILABLE`, 404 to `UNIMPLEMENTED`, ...), with one deviation:
/// 429 and 503 stay what they are in HTTP, an overload with its `Retry-After`.
#[must_use]
pub fn classify_grpc_head(status: StatusCode, headers: &HeaderMap) -> Outcome {
    if let Some(outcome) = classify_grpc(headers) {
        return outcome;
    }
    match status.as_u16() {
        200 if is_grpc(headers) => Outcome::Success,
        429 | 503 => classify_head(status, headers),
        400 => GrpcCode::INTERNAL.classify(),
        401 | 403 | 404 => Outcome::Ignored,
        502 | 504 => GrpcCode::UNAVAILABLE.classify(),
        _ => GrpcCode::UNKNOWN.classify(),
    }
}

/// The server's pushback, if it gave one: a wait, or never where it is negative, not a number, or given twice.
fn pushback(headers: &HeaderMap) -> Option<Repeat> {
    let mut values = headers.get_all(GRPC_RETRY_PUSHBACK).iter();
    let value = values.next()?.to_str().unwrap_or_default();
    if values.next().is_some() || !is_number(value) {
        return Some(Repeat::Never);
    }
    // More digits than fit are a very long time.
    let wait = Duration::from_millis(value.parse().unwrap_or(u64::MAX));
    Some(Repeat::After(wait.min(LONGEST)))
}

/// A body that says it is something else (a proxy's page) is not gRPC; one that says nothing gets the doubt.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"application/grpc"))
}

#[cfg(test)]
#[path = "grpc_status/tests.rs"]
mod tests;
