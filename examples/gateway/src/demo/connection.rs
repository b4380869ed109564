//! Connections that a handler can reset, as a backend's kernel does when its process dies half-way.

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

/// What a handler holds of its connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection(Arc<Reset>);

#[derive(Debug, Default)]
struct Reset {
    wanted: AtomicBool,
    server: AtomicWaker,
}

/// A stream that ends with RST once that is wanted.
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
        self.0.wanted.store(true, Ordering::Release);
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
    /// Fails once a reset is wanted. Asked at every turn, because a server whose handler leaves a body alone does not
    /// read.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        let Reset { wanted, server } = &*self.connection.0;
        server.register(cx.waker());
        if wanted.load(Ordering::Acquire) {
            // Without lingering, closing sends RST instead of FIN.
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
