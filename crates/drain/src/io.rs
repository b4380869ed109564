//! A connection's bytes, watched for two things: whether an answer is stuck in it, and whether it is still open.

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

use crate::tally::Activity;

pin_project! {
    /// The stream of a connection.
    pub(crate) struct Watched<I> {
        #[pin]
        io: I,
        activity: Arc<Activity>,
        // Goes where the stream goes, also into an upgraded connection: its receivers are the open ones.
        _open: watch::Receiver<()>,
    }
}

// === impl Watched ===

impl<I> Watched<I> {
    pub(crate) fn new(io: I, activity: Arc<Activity>, open: watch::Receiver<()>) -> Self {
        Self { io, activity, _open: open }
    }
}

impl<I: AsyncRead> AsyncRead for Watched<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buf)
    }
}

impl<I: AsyncWrite> AsyncWrite for Watched<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        watch(this.activity, this.io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        watch(this.activity, this.io.poll_flush(cx))
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
        watch(this.activity, this.io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

fn watch<T>(activity: &Activity, poll: Poll<T>) -> Poll<T> {
    activity.set_blocked(poll.is_pending());
    poll
}
