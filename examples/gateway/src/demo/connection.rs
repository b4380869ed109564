//! Connections that a handler can reset, as the kernel does when a process dies.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// A listener whose connections can be reset.
#[derive(Debug)]
pub(super) struct Connections(TcpListener);

/// The handle of a connection, for the handlers of its requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection(Arc<Reset>);

#[derive(Debug, Default)]
struct Reset {
    requested: AtomicBool,
    server: AtomicWaker,
}

/// A stream that can be ended with RST.
#[derive(Debug)]
pub(super) struct Stream {
    inner: TcpStream,
    connection: Connection,
}

// === impl Connections ===

impl Connections {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for Connections {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (inner, address) = Listener::accept(&mut self.0).await;
        (Stream { inner, connection: Connection::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

// === impl Connection ===

impl Connection {
    /// Resets the connection.
    pub(super) fn reset(&self) {
        self.0.requested.store(true, Ordering::Release);
        self.0.server.wake();
    }
}

impl Connected<IncomingStream<'_, Connections>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().connection.clone()
    }
}

// === impl Stream ===

impl Stream {
    /// Fails after a reset was requested. Reads and writes both check, because a server does not read while a handler
    /// ignores the body.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        let Reset { requested, server } = &*self.connection.0;
        server.register(cx.waker());
        if requested.load(Ordering::Acquire) {
            // With a linger time of zero, closing sends RST instead of FIN.
            self.inner.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
