//! The stream of a connection: records for the driving task what the connection waits for, and lingers before it closes.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};

use crate::{connection_state::ConnectionState, linger::Linger};

/// The first bytes of an HTTP/2 connection (RFC 9113, 3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pin_project! {
    /// The stream of a connection.
    pub(crate) struct TrackedIo<I> {
        #[pin]
        io: I,
        connection: Arc<ConnectionState>,
        // How many of the first bytes are those of HTTP/2. `None` once that is decided.
        preface: Option<usize>,
        linger: Option<Linger>,
        // Moves with the stream into an upgraded connection. The number of receivers is the number of open streams.
        _open: watch::Receiver<()>,
    }
}

// === impl TrackedIo ===

impl<I> TrackedIo<I> {
    pub(crate) fn new(io: I, connection: Arc<ConnectionState>, open: watch::Receiver<()>) -> Self {
        Self { io, connection, preface: Some(0), linger: None, _open: open }
    }
}

impl<I: AsyncRead> AsyncRead for TrackedIo<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let read = ready!(this.io.poll_read(cx, buf));
        let received = buf.filled().get(before..).unwrap_or_default();
        if !received.is_empty() {
            this.connection.set_received();
            if let Some(matched) = *this.preface {
                *this.preface = matches_further(matched, received);
                if *this.preface == Some(HTTP2.len()) {
                    this.connection.set_http2();
                    *this.preface = None;
                }
            }
        }
        Poll::Ready(read)
    }
}

/// Returns how many bytes match after these further ones; `None` if one differs.
fn matches_further(matched: usize, received: &[u8]) -> Option<usize> {
    let expected = HTTP2.get(matched..)?;
    let further = expected.len().min(received.len());
    (expected.get(..further) == received.get(..further)).then_some(matched + further)
}

impl<I: AsyncRead + AsyncWrite> AsyncWrite for TrackedIo<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        record_blocked(this.connection, this.io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        record_blocked(this.connection, this.io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if this.linger.is_none() {
            ready!(this.io.as_mut().poll_shutdown(cx))?;
            if this.connection.is_http2() || !this.connection.is_unread() {
                return Poll::Ready(Ok(()));
            }
            this.connection.set_lingering(true);
        }
        let linger = this.linger.get_or_insert_with(Linger::new);
        ready!(linger.poll(this.io, cx));
        this.connection.set_lingering(false);
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        record_blocked(this.connection, this.io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

fn record_blocked<T>(connection: &ConnectionState, poll: Poll<T>) -> Poll<T> {
    connection.set_write_blocked(poll.is_pending());
    poll
}
