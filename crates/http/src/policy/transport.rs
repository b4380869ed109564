//! The outcome of a transport error of hyper, hyper-util or h2, and of the system's sockets.
//!
//! | error | outcome |
//! |---|---|
//! | name not found, connection or TLS handshake failed or timed out | failure (connect) |
//! | request not taken by its connection; `REFUSED_STREAM`; a `GOAWAY` below the stream | failure (connect) |
//! | the connection's own timeout | failure (timeout) |
//! | the request's body failed or was too short, or this process ended the connection | ignored |
//! | the connection was [stale](crate::client::is_stale) | ignored, but may be repeated |
//! | the response's head is longer than this client permits | ignored |
//! | no file descriptor is left in this process or system (for a lookup: with [`Resolver`](crate::client::Resolver)) | ignored, but may be repeated |
//!
//! Every other error is a failure of the network.

use std::{error::Error, io};

#[cfg(feature = "hyper")]
use mainstay_core::causes;
use mainstay_core::{FailureKind, Outcome, Repeat};

#[cfg(feature = "hyper")]
use crate::{body::replayable::ReplayableError, client::is_stale};

const UNSENT: Outcome = Outcome::failure(FailureKind::Connect);

/// Returns the outcome of one cause of an error, if it is a transport error of one of the kinds above.
pub(crate) fn classify_transport(error: &(dyn Error + 'static)) -> Option<Outcome> {
    #[cfg(feature = "hyper")]
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        return match error.is_connect() {
            true => Some(UNSENT),
            false => is_stale(error).then_some(IGNORED),
        };
    }
    #[cfg(feature = "hyper")]
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return classify_hyper(error);
    }
    #[cfg(feature = "hyper")]
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return classify_h2(error);
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(UNSENT),
        io::ErrorKind::TimedOut => Some(Outcome::failure(FailureKind::Timeout)),
        _ => None,
    }
}

/// Returns whether the head of a response exceeded the limits of this client.
#[cfg(feature = "hyper")]
pub(crate) fn is_head_too_large(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_parse_too_large))
}

/// The outcome of a request that failed where the server is not at fault, and a repeat may succeed.
pub(crate) const IGNORED: Outcome = Outcome::Ignored { repeat: Repeat::Backoff };

#[cfg(feature = "hyper")]
fn classify_hyper(error: &hyper::Error) -> Option<Outcome> {
    // The connection ended while the request was still in its queue.
    if error.is_canceled() || error.is_closed() {
        return Some(UNSENT);
    }
    if error.is_timeout() {
        return Some(Outcome::failure(FailureKind::Timeout));
    }
    // A body that ended before its announced length is this side's fault, too.
    if error.is_user() || error.is_body_write_aborted() || error.is_parse_too_large() {
        // A replayable body tells whether its source failed, or the body went to another attempt.
        let body = causes(error).find_map(|cause| cause.downcast_ref::<ReplayableError>());
        return Some(body.map_or(Outcome::ignored(), ReplayableError::outcome));
    }
    None
}

#[cfg(feature = "hyper")]
fn classify_h2(error: &h2::Error) -> Option<Outcome> {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    // h2 fails only the streams above the last stream of a received `GOAWAY` with it; the server ignores these streams.
    if error.is_remote() && (is_refused || error.is_go_away()) {
        return Some(UNSENT);
    }
    // This process reset the stream, because the request's body failed.
    let is_own = error.is_reset() && !error.is_remote() && !error.is_library();
    is_own.then_some(Outcome::ignored())
}
