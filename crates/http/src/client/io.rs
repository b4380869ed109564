//! One connection of a client.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::connection::{Exchange, is_broken};

/// A connection that counts what is read and written, and that is read to its end when it breaks.
///
/// A server may refuse a large upload early: it answers, closes, and resets the connection because it has not read the
/// rest. hyper reports a failed write at once, while the answer is still in the socket's buffer. So this connection
/// discards what is written after the peer has closed, and only reading ends: with the answer, or with the error.
#[derive(Debug)]
pub struct ClientIo<T> {
    io: T,
    exchange: Exchange,
    /// Whether the peer reads no more.
    is_write_broken: bool,
}

// === impl ClientIo ===

impl<T> ClientIo<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, exchange: Exchange::default(), is_write_broken: false }
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
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        if buf.filled().len() > before {
            self.exchange.record_read();
        }
        Poll::Ready(read)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ClientIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_write_broken {
            self.exchange.record_write();
            return Poll::Ready(Ok(buf.len()));
        }
        let result = ready!(Pin::new(&mut self.io).poll_write(cx, buf));
        self.exchange.record_write();
        Poll::Ready(self.or_discard(result, buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = || bufs.iter().map(|buf| buf.len()).sum();
        if self.is_write_broken {
            self.exchange.record_write();
            return Poll::Ready(Ok(offered()));
        }
        let result = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs));
        self.exchange.record_write();
        Poll::Ready(self.or_discard(result, offered()))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Over TLS the bytes of a write reach the socket in a flush.
        let result = ready!(Pin::new(&mut self.io).poll_flush(cx));
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
        let mut io = ClientIo::new(Reset(b"413"));
        io.write_all(b"upload").await.unwrap();
        io.flush().await.unwrap();
        io.write_all(b"more").await.unwrap();
        let mut answer = Vec::new();
        let end = io.read_to_end(&mut answer).await.unwrap_err();
        assert_eq!((&*answer, end.kind()), (b"413" as &[u8], io::ErrorKind::ConnectionReset));
    }
}
