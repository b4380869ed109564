//! One connection of a client.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::client::connection::{Exchange, is_broken};

/// A connection that counts what is read and written, and that is read to its end when it breaks.
///
/// A server may refuse a large upload early: it answers, closes, and resets the connection because it has not read the
/// rest. hyper reports a failed write at once, while the answer is still in the socket's buffer. This connection discards
/// what is written after the peer has closed instead, and only reading ends: with the answer, or with the error.
///
/// A write of which the peer takes nothing for a time fails: a frozen server would otherwise hold the connection, with
/// what hyper has buffered for it, for ever.
#[derive(Debug)]
pub struct ClientIo<T> {
    io: T,
    exchange: Exchange,
    /// When the connection was made, until the first write.
    opened: Option<Instant>,
    /// Whether the peer reads no more.
    is_write_broken: bool,
    write_timeout: Option<Duration>,
    /// Runs while a write waits for the peer.
    blocked: Option<Pin<Box<Sleep>>>,
    /// Reads in a row that did not have to wait.
    reads: u8,
}

/// After so many reads in a row a connection lets other tasks run. hyper reads and parses on in one poll while bytes are
/// there, such as those of a server that sends interim responses without end.
const READS: u8 = 4;

/// A connection without a request for this long was idle. Far longer than a request takes from the connector to the socket,
/// and shorter than servers keep idle connections.
const IDLE: Duration = Duration::from_millis(500);

// === impl ClientIo ===

impl<T> ClientIo<T> {
    pub(super) fn new(io: T, write_timeout: Option<Duration>) -> Self {
        let (exchange, opened) = (Exchange::default(), Some(Instant::now()));
        Self { io, exchange, opened, is_write_broken: false, write_timeout, blocked: None, reads: 0 }
    }

    fn record_write(&mut self) {
        if self.opened.take().is_some_and(|opened| opened.elapsed() >= IDLE) {
            self.exchange.record_idle();
        }
        self.exchange.record_write();
    }

    /// Limits the time of a write that waits for the peer.
    fn limit<R>(&mut self, written: Poll<io::Result<R>>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let Some(write_timeout) = self.write_timeout else { return written };
        if written.is_ready() {
            self.blocked = None;
            return written;
        }
        let timer = self.blocked.get_or_insert_with(|| Box::pin(sleep(write_timeout)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Replaces the error of a peer that reads no more by the result of a successful call.
    fn or_discard<R>(&mut self, result: io::Result<R>, discarded: R) -> io::Result<R> {
        if result.as_ref().is_err_and(is_broken) {
            self.is_write_broken = true;
            return Ok(discarded);
        }
        result
    }
}

impl<T: Connection> Connection for ClientIo<T> {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.exchange.clone())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ClientIo<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reads >= READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.reads = if polled.is_ready() { self.reads + 1 } else { 0 };
        let read = ready!(polled);
        if buf.filled().len() > before {
            self.exchange.record_read();
        }
        Poll::Ready(read)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ClientIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_write_broken {
            self.record_write();
            return Poll::Ready(Ok(buf.len()));
        }
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        let result = ready!(self.limit(written, cx));
        self.record_write();
        Poll::Ready(self.or_discard(result, buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = || bufs.iter().map(|buf| buf.len()).sum();
        if self.is_write_broken {
            self.record_write();
            return Poll::Ready(Ok(offered()));
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        let result = ready!(self.limit(written, cx));
        self.record_write();
        Poll::Ready(self.or_discard(result, offered()))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Over TLS the bytes of a write reach the socket in a flush.
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        let result = ready!(self.limit(flushed, cx));
        Poll::Ready(self.or_discard(result, ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A socket whose peer has answered and then reset the connection.
    struct Reset(&'static [u8]);

    impl AsyncRead for Reset {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            match self.0 {
                [] => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                _ => Pin::new(&mut self.0).poll_read(cx, buf),
            }
        }
    }

    impl AsyncWrite for Reset {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn answer_is_read_after_a_write_has_failed() {
        let mut io = ClientIo::new(Reset(b"413"), None);
        io.write_all(b"upload").await.unwrap();
        io.flush().await.unwrap();
        io.write_all(b"more").await.unwrap();
        let mut answer = Vec::new();
        let end = io.read_to_end(&mut answer).await.unwrap_err();
        assert_eq!((&*answer, end.kind()), (b"413" as &[u8], io::ErrorKind::ConnectionReset));
    }

    /// Defect: a connection that hyper-util had made ahead, and that its server closed unused, blamed the server.
    #[tokio::test(start_paused = true)]
    async fn connection_that_was_idle_before_its_first_request_is_stale() {
        for (idle, is_stale) in [(Duration::ZERO, false), (Duration::from_millis(499), false), (IDLE, true)] {
            let mut io = ClientIo::new(Reset(b""), None);
            sleep(idle).await;
            io.write_all(b"head").await.unwrap();
            io.write_all(b"body").await.unwrap();
            assert_eq!(io.exchange.is_stale(), is_stale, "{idle:?}");
        }
    }

    /// A peer that is frozen takes what fits into the buffers, and no more.
    #[tokio::test(start_paused = true)]
    async fn write_that_makes_no_progress_fails_and_slow_progress_does_not() {
        let second = Duration::from_secs(1);
        let (ours, mut peer) = tokio::io::duplex(4);
        let mut io = ClientIo::new(ours, Some(2 * second));
        let slow = async {
            for _ in 0..8 {
                sleep(second).await;
                peer.read_exact(&mut [0]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(io.write_all(b"eight by"), slow);
        written.unwrap();
        assert_eq!(io.write_all(b"frozen").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn reads_without_end_let_other_tasks_run() {
        let mut io = ClientIo::new(tokio::io::repeat(b'x'), None);
        let mut reads = 0;
        tokio::select! {
            biased;
            () = async { while io.read(&mut [0]).await.is_ok() { reads += 1; } } => {}
            () = tokio::task::yield_now() => {}
        }
        assert!((usize::from(READS)..=2 * usize::from(READS)).contains(&reads), "{reads}");
    }
}
