//! The stream of a connection, with two facts recorded: whether a write is blocked, and whether the stream is open.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};

use crate::request_counters::ConnectionState;

pin_project! {
    /// The stream of a connection.
    pub(crate) struct TrackedIo<I> {
        #[pin]
        io: I,
        connection: Arc<ConnectionState>,
        // Moves with the stream into an upgraded connection. The number of receivers is the number of open streams.
        _open: watch::Receiver<()>,
    }
}

// === impl TrackedIo ===

impl<I> TrackedIo<I> {
    pub(crate) fn new(io: I, connection: Arc<ConnectionState>, open: watch::Receiver<()>) -> Self {
        Self { io, connection, _open: open }
    }
}

impl<I: AsyncRead> AsyncRead for TrackedIo<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buf)
    }
}

impl<I: AsyncWrite> AsyncWrite for TrackedIo<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        record_blocked(this.connection, this.io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        record_blocked(this.connection, this.io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_shutdown(cx)
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
