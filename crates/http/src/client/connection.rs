//! Which errors are those of a stale connection: one that the server closed while it was idle.
//!
//! A server that closes an idle connection says nothing about its health. The client finds out when it sends the next
//! request. Whether the server has received that request is unknown (RFC 9112, 9.3.1).

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use http::Extensions;
use hyper_util::client::legacy;
use mainstay_core::causes;

/// What was read and written on one connection of a [`Connector`](super::Connector). Clones share it.
///
/// Requests find it in the extensions of their responses.
#[derive(Clone, Debug, Default)]
pub struct Exchange(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether a byte was ever read, or the connection was idle before its first request.
    is_used: AtomicBool,
    /// Whether bytes were written since the last byte was read.
    is_unanswered: AtomicBool,
}

/// Returns whether a request failed because its connection was stale: the connection was used or idle before, and it ended
/// before a byte of the answer came. False for connections of another connector than [`Connector`](super::Connector), and
/// for HTTP/2, which reports the streams that a server did not process.
///
/// A request whose body is still sent after a part of the answer's head has come, and then meets the end of the connection,
/// is taken for such a request too.
#[must_use]
pub fn is_stale(error: &legacy::Error) -> bool {
    let ended = causes(error).any(is_end_of_connection) && !causes(error).any(|cause| cause.is::<h2::Error>());
    ended && exchange(error).is_some_and(|exchange| exchange.is_stale())
}

/// Returns the exchange of the connection on which an error occurred.
fn exchange(error: &legacy::Error) -> Option<Exchange> {
    let mut extensions = Extensions::new();
    error.connect_info()?.get_extras(&mut extensions);
    extensions.remove()
}

fn is_end_of_connection(cause: &(dyn Error + 'static)) -> bool {
    let is_incomplete = cause.downcast_ref().is_some_and(hyper::Error::is_incomplete_message);
    is_incomplete || cause.downcast_ref().is_some_and(is_broken)
}

/// Whether an error of a socket says that the peer has ended the connection.
pub(super) fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

// === impl Exchange ===

impl Exchange {
    pub(super) fn record_read(&self) {
        self.0.is_used.store(true, Relaxed);
        self.0.is_unanswered.store(false, Relaxed);
    }

    /// Records that the connection was idle before its first request: hyper-util connects ahead when a connection that is in
    /// use becomes free first.
    pub(super) fn record_idle(&self) {
        self.0.is_used.store(true, Relaxed);
    }

    pub(super) fn record_write(&self) {
        self.0.is_unanswered.store(true, Relaxed);
    }

    pub(super) fn is_stale(&self) -> bool {
        self.0.is_used.load(Relaxed) && self.0.is_unanswered.load(Relaxed)
    }
}
